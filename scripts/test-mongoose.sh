#!/usr/bin/env bash
# Tests that the replaced service's Mongoose reads and goes on with the documents after `dezky migrate`, and after Dezky has written to
# them. Run it under scripts/with-test-database.sh. Arguments are test files (all).
set -euo pipefail
cd "$(dirname "$0")/.."
tests=$PWD/handlers/host/tests/mongoose

if [ -z "${DEZKY_TEST_MONGODB_URI:-}" ]; then
    echo "run it as: scripts/with-test-database.sh scripts/test-mongoose.sh" >&2
    exit 2
fi

install_dependencies() {
    local marker=$tests/node_modules/.installed
    if ! cmp -s "$tests/package-lock.json" "$marker"; then
        (cd "$tests" && npm ci --silent --no-audit --no-fund)
        cp "$tests/package-lock.json" "$marker"
    fi
}

install_dependencies
if [ -z "${DEZKY_TEST_BINARY:-}" ]; then
    # With the features of the other tests: what these have built is not built again.
    cargo build --quiet --workspace --all-features --locked --bin dezky
    target=$(cargo metadata --format-version 1 --no-deps --locked | node -p 'JSON.parse(require("fs").readFileSync(0, "utf8")).target_directory')
    DEZKY_TEST_BINARY=$target/debug/dezky
fi
DEZKY_TEST_BINARY=$(realpath "$DEZKY_TEST_BINARY")
export DEZKY_TEST_BINARY
[ $# -gt 0 ] || set -- "$tests"/*.test.mjs
exec node --test --test-timeout 300000 --test-reporter spec "$@"
