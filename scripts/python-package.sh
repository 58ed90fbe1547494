#!/usr/bin/env bash
# Builds and packs the Python package `dezky`: python-package.sh tools | generate [--check] | build [--test] | wheel FOLDER [--test]
#
# tools     installs what builds, checks and tests it into .venv/python, and prints that folder
# generate  writes what follows from the API's document and from the native module; with --check only compares
# build     puts the native module, as it is released, into the package; with --test a debug build with what only tests may have
# wheel     writes the wheel of this platform, with notices of what others wrote in it, and its bill of materials into FOLDER; with
#           --test the wheel of a debug build alone
set -euo pipefail
cd "$(dirname "$0")/.."
package=$PWD/bindings/python
environment=$PWD/.venv/python

tools() {
    local site
    scripts/python-environment.sh python bindings/python/requirements.txt >/dev/null
    # The package as it lies here.
    site=$("$environment/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
    [ -e "$site/dezky.pth" ] || echo "$package/python" >"$site/dezky.pth"
}

target() {
    cargo metadata --format-version 1 --no-deps --locked | python3 -c 'import json, sys; print(json.load(sys.stdin)["target_directory"])'
}

# What cargo calls the native module on this system.
library() {
    case "$(uname -s)" in
        Darwin) echo libdezky_python.dylib ;;
        *) echo libdezky_python.so ;;
    esac
}

# With the features of the tests of the whole workspace, so that what they have built is used.
build_all() {
    cargo build --quiet --workspace --all-features --locked --lib --bin dezky --example cases-python
}

# What reads the types of the native module out of its library. Of the version of pyo3 that wrote them there.
introspection() {
    local version root
    version=$(sed -n 's/^pyo3 = { version = "=\([0-9.]*\)".*/\1/p' Cargo.toml)
    root=$PWD/.venv/pyo3-introspection-$version
    if [ ! -x "$root/bin/pyo3-introspection" ]; then
        echo "installing pyo3-introspection $version into $root" >&2
        cargo install --quiet --locked --root "$root" "pyo3-introspection@$version" >&2
    fi
    echo "$root/bin/pyo3-introspection"
}

# The stub of the native module, without what only tests may have.
stub() {
    local folder=$1 told reader
    told=$(mktemp -d)
    reader=$(introspection)
    "$reader" "$folder/debug/$(library)" _native "$told"
    "$environment/bin/python" "$package/scripts/stub.py" "$told" |
        "$environment/bin/ruff" format --quiet --config "$package/ruff.toml" --stdin-filename _native.pyi -
    rm -r "$told"
}

generate() {
    build_all
    local folder own=$package/python/dezky/_native.pyi
    folder=$(target)
    "$folder/debug/dezky" openapi >"$folder/openapi.json"
    "$environment/bin/python" "$package/scripts/generate.py" "$folder/openapi.json" "$@"
    stub "$folder" >"$folder/_native.pyi"
    if [ "${1:-}" != --check ]; then
        cp "$folder/_native.pyi" "$own"
    elif ! cmp -s "$folder/_native.pyi" "$own"; then
        echo "$own does not follow from the code any more: run \`scripts/python-package.sh generate\`" >&2
        return 1
    fi
}

build() {
    local profile=addon module=$package/python/dezky/_native.abi3.so
    if [ "$1" = test ]; then
        profile=debug
        build_all
    else
        PYO3_BUILD_EXTENSION_MODULE=1 cargo build --profile addon --package dezky-python --locked
    fi
    # Moved into place: a process may have the former one open.
    cp "$(target)/$profile/$(library)" "$module.new"
    mv "$module.new" "$module"
}

wheel() {
    local folder=$1
    folder=$(mkdir -p "$folder" && cd "$folder" && pwd)
    scripts/notices.sh python "$package/THIRD-PARTY-NOTICES"
    # maturin builds its own native module, and leaves out the one that lies in the package.
    (cd "$package" && "$environment/bin/maturin" build --quiet --locked "${@:2}" --out "$folder")
    # It leaves out a file with licences that is not there, without a word.
    "$environment/bin/python" - "$folder"/dezky-*.whl <<'CHECK'
import sys, zipfile
for wheel in sys.argv[1:]:
    if not any(name.endswith(".dist-info/licenses/THIRD-PARTY-NOTICES") for name in zipfile.ZipFile(wheel).namelist()):
        sys.exit(f"python-package.sh: {wheel} has no notices of what others wrote")
CHECK
}

case "${1:-} ${2:-}" in
    "tools ")
        tools
        echo "$environment"
        ;;
    "generate " | "generate --check") tools && generate "${@:2}" ;;
    "build ") build release ;;
    "build --test") build test ;;
    "wheel "?*)
        tools
        case "${3:-}" in
            "")
                wheel "$2"
                scripts/sbom.sh "$2" python
                ;;
            --test) wheel "$2" --profile dev ;;
        esac
        ;;
    *)
        echo "usage: python-package.sh tools | generate [--check] | build [--test] | wheel FOLDER [--test]" >&2
        exit 2
        ;;
esac
