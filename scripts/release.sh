#!/usr/bin/env bash
# Builds everything that a release consists of, from its tag: release.sh TAG FOLDER, or release.sh --check TAG
#
# FOLDER gets the static binary and the component with notices of what others wrote in them, the Debian package, the packages for npm and
# Python with the native modules of this platform, crates, bills of materials (CycloneDX), and SHA256SUMS over all: everything, or after a
# failure nothing. --check builds the static binary twice, in two folders, and compares the bytes. TAG is `v` and the version, and must be
# what is checked out, without changes: builds are made of clones, so that nothing else gets in. Takes long: every build is one from the
# beginning.
set -euo pipefail
cd "$(dirname "$0")/.."

refuse() {
    echo "release.sh: $1" >&2
    exit "${2:-1}"
}

step() { echo "release.sh: $1" >&2; }

compare=no
if [ "${1:-}" = --check ]; then
    compare=yes
    shift
fi
if [ "$compare" = yes ]; then wanted=1; else wanted=2; fi
[ $# -eq "$wanted" ] || refuse "usage: release.sh TAG FOLDER, or release.sh --check TAG" 2
tag=$1
[[ $tag =~ ^v[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$ ]] || refuse "\`$tag\` is no tag of a release: it is \`v\` and the version, such as v0.1.0" 2
version=${tag#v}

# --- What must be there ---

tools=(git:git rustup:rustup cargo:rustup musl-gcc:musl-tools)
[ "$compare" = yes ] || tools+=(node:nodejs npm:npm python3:python3 cc:gcc dpkg-deb:dpkg readelf:binutils gzip:gzip sha256sum:coreutils)
missing=$(for tool in "${tools[@]}"; do command -v "${tool%%:*}" >/dev/null || echo "${tool##*:}"; done | sort -u | tr '\n' ' ')
[ -z "$missing" ] || refuse "these packages are missing: ${missing% }"

commit=$(git rev-parse --quiet --verify "refs/tags/$tag^{commit}") || refuse "there is no tag \`$tag\`: make one with \`git tag --sign $tag\`"
[ "$(git rev-parse HEAD)" = "$commit" ] || refuse "what is checked out is not \`$tag\`: run \`git switch --detach $tag\`"
[ -z "$(git status --porcelain)" ] || refuse "the working tree differs from \`$tag\`: commit or remove what \`git status\` shows"

# Every place that says the version. That of the packages for Python and Debian is the program's.
wrong=$(
    said=$(sed -n '/^\[workspace\.package\]/,/^\[/s/^version = "\(.*\)"$/\1/p' Cargo.toml)
    [ "$said" = "$version" ] || echo "Cargo.toml ($said)"
    for manifest in bindings/node/package.json bindings/node/npm/*/package.json; do
        sed -nE 's/^ *"(version|@dezky\/sdk-[a-z0-9-]+)": "([^"]*)",?$/\2/p' "$manifest" | sort -u | while read -r said; do
            [ "$said" = "$version" ] || echo "$manifest ($said)"
        done
    done
    grep -qE "^## \[?${version//./\\.}\]?( |$)" CHANGELOG.md || echo "CHANGELOG.md (no section \`## $version\`)"
)
[ -z "$wrong" ] || refuse "these do not say $version: ${wrong//$'\n'/, }"

if [ "$compare" = no ]; then
    folder=$(realpath -m "$2")
    [ ! -e "$folder" ] || [ -z "$(ls -A "$folder" 2>/dev/null || echo it)" ] || refuse "\`$2\` is no empty folder" 2
fi

# --- Builds ---

work=$(mktemp -d "${TMPDIR:-/tmp}/dezky-release.XXXXXX")
trap 'rm -rf "$work"' EXIT
repository=$PWD
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct "$commit")
export SOURCE_DATE_EPOCH CARGO_INCREMENTAL=0
# Each clone has builds of its own: what lies elsewhere may come from another commit.
unset CARGO_TARGET_DIR RUSTFLAGS CARGO_ENCODED_RUSTFLAGS

# Makes a clone of the tag in a folder, and enters it.
enter() {
    mkdir -p "$(dirname "$1")"
    git clone --quiet --no-hardlinks --branch "$tag" -c advice.detachedHead=false "$repository" "$1"
    cd "$1"
}

# Builds the static binary in a new clone: binary FOLDER COPY
binary() {
    local built
    built=$(enter "$1" && infrastructure/images/binary.sh "$(uname -m)-unknown-linux-musl")
    cp "$built" "$2"
    # Some GB, which the next build needs.
    rm -rf "$1"
}

if [ "$compare" = yes ]; then
    # Of different lengths, so that paths would shift what comes after them.
    step "building the static binary"
    binary "$work/one" "$work/first"
    step "building it again in another folder"
    binary "$work/another/folder/with/a/longer/path" "$work/second"
    if ! cmp "$work/first" "$work/second" >&2; then
        kept=$(mktemp -d "${TMPDIR:-/tmp}/dezky-differs.XXXXXX")
        mv "$work/first" "$work/second" "$kept/"
        refuse "two builds of \`$tag\` differ: compare \`$kept/first\` and \`$kept/second\`, such as with diffoscope"
    fi
    sha256sum "$work/first" | cut -d' ' -f1
    exit
fi

# Names what a release must have, and leaves the release when it is not there: has PATTERN
has() {
    compgen -G "$out/$1" >/dev/null || refuse "the builds made no \`$1\`"
}

source=$work/dezky out=$work/out
mkdir "$out"
enter "$source"
target=$(uname -m)-unknown-linux-musl

# First, since it may tell that the version is wrong.
step "interface of the crates"
scripts/check-semver.sh >&2
step "static binary"
built=$(infrastructure/images/binary.sh "$target")
[ "$("$built" --version)" = "dezky $version" ] || refuse "the binary calls itself \`$("$built" --version)\`"
install -m 0755 "$built" "$out/dezky-$version-$target"
step "component"
install -m 0644 "$(scripts/build-component.sh)" "$out/dezky-$version.wasm"
step "Debian package"
infrastructure/debian/build.sh "$built" "$out" >&2
has "dezky_${version/-/\~}_*.deb"
step "packages for npm"
scripts/node-package.sh pack "$out" >&2
has "dezky-sdk-$version.tgz"
has "dezky-sdk-$(node bindings/node/scripts/platform.mjs)-$version.tgz"
step "wheel for Python"
scripts/python-package.sh wheel "$out" >&2
# One for every Python from 3.11 on. Python writes `0.1.0-rc.1` another way.
has "dezky-${version%%-*}*-cp311-abi3-*.whl"
step "crates"
scripts/package-crates.sh "$out" >&2
has "dezky-$version.crate"
step "bills of materials"
scripts/sbom.sh "$out" binary component >&2
for part in dezky dezky-wasm dezky-node dezky-python; do has "$part.cdx.json"; done
step "notices"
# Packages have theirs inside; these two are files by themselves.
scripts/notices.sh binary "$out/dezky-$version-$target.THIRD-PARTY-NOTICES" --target "$target"
scripts/notices.sh component "$out/dezky-$version.wasm.THIRD-PARTY-NOTICES"
for part in "$version-$target" "$version.wasm"; do has "dezky-$part.THIRD-PARTY-NOTICES"; done
step "checksums"
(cd "$out" && LC_ALL=C sha256sum -- * >"$work/SHA256SUMS" && mv "$work/SHA256SUMS" . && sha256sum --quiet --check SHA256SUMS)

mkdir -p "$folder"
mv "$out"/* "$folder/"
printf '%s\n' "$folder"/*
