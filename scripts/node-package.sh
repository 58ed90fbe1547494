#!/usr/bin/env bash
# Builds and packs @dezky/sdk: node-package.sh generate [--check] | build [--test | --development] | pack FOLDER
#
# generate  writes what follows from the API's document; with --check only compares
# build     puts the addon, as it is released, beside the package; with --test a debug build with what only tests may have,
#           with --development one without, which takes a fraction of the time that a release takes
# pack      builds, and writes the package and that of this platform into FOLDER, as npm publishes them, with their bill of materials and,
#           in that of the platform, notices of what others wrote in the addon
set -euo pipefail
cd "$(dirname "$0")/.."
package=$PWD/bindings/node
target=$(cargo metadata --format-version 1 --no-deps --locked | node -p 'JSON.parse(require("fs").readFileSync(0, "utf8")).target_directory')

generate() {
    cargo build --quiet --workspace --all-features --locked --bin dezky
    "$target/debug/dezky" openapi >"$target/openapi.json"
    node "$package/scripts/generate.mjs" "$target/openapi.json" "$@"
}

# What cargo calls the addon on this system.
library() {
    case "$(uname -s)" in
        Darwin) echo libdezky_node.dylib ;;
        MINGW* | MSYS*) echo dezky_node.dll ;;
        *) echo libdezky_node.so ;;
    esac
}

build() {
    local profile=addon addon
    if [ "$1" = test ]; then
        profile=debug
        # The features of the tests of the whole workspace, so that what they have built is used.
        cargo build --workspace --all-features --locked --lib --bin dezky --example cases
    elif [ "$1" = development ]; then
        profile=debug
        cargo build --package dezky-node --locked
    else
        cargo build --profile addon --package dezky-node --locked
    fi
    # Moved into place: a process may have the former one open.
    addon=$package/dezky.$(node "$package/scripts/platform.mjs").node
    cp "$target/$profile/$(library)" "$addon.new"
    mv "$addon.new" "$addon"
}

pack() {
    local folder platform each
    folder=$(mkdir -p "$1" && cd "$1" && pwd)
    platform=$(node "$package/scripts/platform.mjs")
    build release
    mv "$package/dezky.$platform.node" "$package/npm/$platform/"
    scripts/notices.sh node "$package/npm/$platform/THIRD-PARTY-NOTICES"
    # The licence asks to be in every copy, and npm takes it from the folder that is packed alone.
    for each in "$package" "$package/npm/$platform"; do
        cp LICENSE "$each/"
        (cd "$each" && npm pack --silent --pack-destination "$folder")
    done
    scripts/sbom.sh "$folder" node
}

case "${1:-} ${2:-}" in
    "generate " | "generate --check") generate "${@:2}" ;;
    "build ") build release ;;
    "build --test") build test ;;
    "build --development") build development ;;
    "pack "?*) pack "$2" ;;
    *)
        echo "usage: node-package.sh generate [--check] | build [--test | --development] | pack FOLDER" >&2
        exit 2
        ;;
esac
