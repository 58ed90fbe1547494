#!/usr/bin/env bash
# Writes the packages of the crates that are published, as they would be uploaded: package-crates.sh FOLDER
#
# They are those of the workspace that do not say `publish = false`. Together, since one depends on a version of another that no registry
# has yet. They are not built: the workspace is, by other checks.
set -euo pipefail
if [ $# -ne 1 ]; then
    echo "usage: package-crates.sh FOLDER" >&2
    exit 2
fi
folder=$(mkdir -p "$1" && cd "$1" && pwd)
cd "$(dirname "$0")/.."

work=$(mktemp -d "${TMPDIR:-/tmp}/dezky-crates.XXXXXX")
trap 'rm -rf "$work"' EXIT
mapfile -t crates < <(cargo metadata --format-version 1 --no-deps --locked |
    python3 -c 'import json, sys; print(*(each["name"] for each in json.load(sys.stdin)["packages"] if each["publish"] != []), sep="\n")')
cargo package --quiet --no-verify --locked --allow-dirty --target-dir "$work" "${crates[@]/#/--package=}"
mv "$work"/package/*.crate "$folder/"
