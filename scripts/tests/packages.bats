#!/usr/bin/env bats
# Tests of what node-package.sh and python-package.sh put into packages, in a made-up tree. Builds and their tools are doubles; npm is real.

bats_require_minimum_version 1.5.0
# What `run --separate-stderr` sets.
stderr=

# shellcheck disable=SC2016 # of the doubles
setup() {
    MACHINE=$(mktemp -d "${TMPDIR:-/tmp}/dezky-packages-test.XXXXXX")
    TREE=$MACHINE/tree OUT=$MACHINE/out
    local root=$BATS_TEST_DIRNAME/../..
    mkdir -p "$MACHINE/bin" "$TREE/scripts" "$TREE/bindings/python" "$TREE/bindings/node"
    cp "$root/LICENSE" "$TREE/"
    cp "$root"/scripts/{node,python}-package.sh "$TREE/scripts/"
    cp -R "$root"/bindings/node/{package.json,index.*,lib,scripts,npm} "$TREE/bindings/node/"
    find "$TREE/bindings/node/npm" \( -name '*.node' -o -name LICENSE -o -name THIRD-PARTY-NOTICES \) -delete
    executable "$MACHINE/bin/cargo" "
        if [ \"\$1\" = metadata ]; then echo '{\"target_directory\": \"$MACHINE/target\"}'; exit; fi
        mkdir -p '$MACHINE/target/addon'
        for name in libdezky_node.so libdezky_node.dylib; do echo addon > '$MACHINE/target/addon/'\$name; done"
    executable "$TREE/scripts/sbom.sh" ''
    executable "$TREE/scripts/notices.sh" 'echo "notices of $1" > "$2"'
    # The tools for Python, with a maturin that takes files with licences as the real one does: those that are there.
    executable "$TREE/scripts/python-environment.sh" ''
    mkdir -p "$TREE/.venv/python/bin"
    executable "$TREE/.venv/python/bin/python" 'if [ "$1" = -c ]; then echo "$0-site"; else exec python3 "$@"; fi'
    mkdir "$TREE/.venv/python/bin/python-site"
    executable "$TREE/.venv/python/bin/maturin" 'for last; do :; done
        exec python3 -c "
import pathlib, sys, zipfile
with zipfile.ZipFile(sys.argv[1], \"w\") as wheel:
    for name in (\"LICENSE\", \"THIRD-PARTY-NOTICES\"):
        if pathlib.Path(name).exists():
            wheel.write(name, \"dezky-0.1.0.dist-info/licenses/\" + name)
" "$last/dezky-0.1.0-cp311-abi3-linux_x86_64.whl"'
}

teardown() { rm -rf "$MACHINE"; }

executable() {
    printf '#!/usr/bin/env bash\nset -e\n%s\n' "$2" > "$1"
    chmod +x "$1"
}

package() { PATH="$MACHINE/bin:$PATH" "$TREE/scripts/$1-package.sh" "${@:2}" "$OUT"; }

@test "the package of a platform has the notices of its addon, and that for all platforms has no addon" {
    run --separate-stderr package node pack
    [ "$status" -eq 0 ]
    local platform
    platform=$(node "$TREE/bindings/node/scripts/platform.mjs")
    [ "$(tar -xzOf "$OUT/dezky-sdk-$platform-"*.tgz package/THIRD-PARTY-NOTICES)" = "notices of node" ]
    tar -tzf "$OUT/dezky-sdk-$platform-"*.tgz | grep -qx package/LICENSE
    tar -tzf "$OUT/dezky-sdk-$platform-"*.tgz | grep -qx "package/dezky.$platform.node"
    run ! grep -E 'NOTICES|\.node$' <(tar -tzf "$OUT"/dezky-sdk-[0-9]*.tgz)
}

@test "no package is written for npm where there are no notices" {
    executable "$TREE/scripts/notices.sh" 'exit 1'
    run --separate-stderr package node pack
    [ "$status" -eq 1 ]
    [ -z "$(ls "$OUT")" ]
}

@test "a wheel has the notices of its module" {
    run --separate-stderr package python wheel
    [ "$status" -eq 0 ]
    [ "$(python3 -c 'import sys, zipfile; print(zipfile.ZipFile(sys.argv[1]).read("dezky-0.1.0.dist-info/licenses/THIRD-PARTY-NOTICES").decode(), end="")' "$OUT"/*.whl)" = "notices of python" ]
}

@test "a wheel without notices is told of" {
    executable "$TREE/scripts/notices.sh" ''
    run --separate-stderr package python wheel
    [ "$status" -eq 1 ]
    [[ "$stderr" == *"python-package.sh: "*".whl has no notices of what others wrote"* ]]
}
