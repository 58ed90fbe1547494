#!/usr/bin/env bash
# Compares the public interface of the crates that are published with that of the release before: check-semver.sh [TAG]
#
# TAG is the release to compare with, by default the newest that what is checked out comes after; without one there is nothing to compare.
# A change that breaks callers needs a version that says so: before 1.0 the next minor one. Names every change that does not fit.
# Installs cargo-semver-checks into .venv/cargo-semver-checks when the pinned version is not there.
set -euo pipefail
cd "$(dirname "$0")/.."

version=0.51.0
if [ "$(git rev-parse --is-shallow-repository)" = true ]; then
    echo "check-semver.sh: this clone lacks earlier commits, and so perhaps the release before: run \`git fetch --unshallow --tags\`" >&2
    exit 2
fi
former=${1:-}
if [ -z "$former" ]; then
    # That of what is checked out is not before it.
    former=$(git tag --list 'v[0-9]*' --merged HEAD --no-contains HEAD --sort=-version:refname)
    former=${former%%$'\n'*}
fi
if [ -z "$former" ]; then
    echo "check-semver.sh: nothing was released before" >&2
    exit
fi
if ! git rev-parse --quiet --verify "refs/tags/$former^{commit}" >/dev/null; then
    echo "check-semver.sh: there is no tag \`$former\`" >&2
    exit 2
fi

tool=$PWD/.venv/cargo-semver-checks/bin/cargo-semver-checks
if [ "$("$tool" semver-checks --version 2>/dev/null)" != "cargo-semver-checks $version" ]; then
    echo "installing cargo-semver-checks $version into .venv/cargo-semver-checks" >&2
    cargo install cargo-semver-checks --version "$version" --locked --force --quiet --root .venv/cargo-semver-checks --target-dir target/cargo-semver-checks
fi

# `dezky-derive` is not compared: macros have no interface that could be read, and `dezky` needs exactly its version of it. Nor is the test
# kit, which promises nothing to others.
"$tool" semver-checks --package dezky --only-explicit-features --features default,development-issuer --baseline-rev "refs/tags/$former"
