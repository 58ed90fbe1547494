#!/usr/bin/env bash
# Tests @dezky/sdk on Node 20, 22 and 24: the README's code, the package's tests, the shared cases through `fetch`, and the packed
# package in an empty project. Builds a debug addon with what only tests may have.
#
# The cases run on SQLite, and on MongoDB too where DEZKY_TEST_MONGODB_URI names a server.
set -euo pipefail
cd "$(dirname "$0")/.."
package=$PWD/bindings/node
target=$(cargo metadata --format-version 1 --no-deps --locked | node -p 'JSON.parse(require("fs").readFileSync(0, "utf8")).target_directory')
versions=(20.20.2 22.21.1 24.9.0)

# Installs a Node from the registry into .venv/node-VERSION unless it is the one of the system, and prints its program.
node_of() {
    local version=$1 folder=$PWD/.venv/node-$1
    if [ "$(node --version)" = "v$version" ]; then
        command -v node
        return
    fi
    if [ ! -e "$folder/installed" ]; then
        rm -rf "$folder"
        mkdir -p "$folder"
        echo "installing Node $version into $folder" >&2
        npm install --silent --no-audit --no-fund --prefix "$folder" "node@$version" >&2
        # Written last, so that an interrupted installation is begun again.
        touch "$folder/installed"
    fi
    echo "$folder/node_modules/node/bin/node"
}

install_dependencies() {
    scripts/node-modules.sh "$package/tests"
    mkdir -p "$package/tests/node_modules/@dezky"
    ln -sfn "$package" "$package/tests/node_modules/@dezky/sdk"
}

install_dependencies
scripts/node-package.sh build --test
scripts/node-package.sh generate --check
node "$package/scripts/readme.mjs"

stores=sqlite
[ -z "${DEZKY_TEST_MONGODB_URI:-}" ] || stores=sqlite,mongodb
for version in "${versions[@]}"; do
    node=$(node_of "$version")
    echo "== @dezky/sdk on Node $("$node" --version)"
    RUST_BACKTRACE=0 DEZKY_TEST_BINARY=$target/debug/dezky "$node" --test --test-reporter spec "$package"/tests/package/*.test.mjs
    DEZKY_TEST_NODE=$node DEZKY_TEST_STORES=$stores "$target/debug/examples/cases"
    stores=sqlite # Once is enough: what differs between versions of Node is not the store.
    "$node" "$package/tests/packed.mjs"
done

echo "== Stripe's own library"
DEZKY_TEST_BINARY=$target/debug/dezky "$(node_of "${versions[0]}")" --test --test-reporter spec "$package"/tests/stripe/*.test.mjs

echo "== the official library of Standard Webhooks"
DEZKY_TEST_BINARY=$target/debug/dezky "$(node_of "${versions[0]}")" --test --test-reporter spec "$package"/tests/webhooks/*.test.mjs
