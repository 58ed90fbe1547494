#!/usr/bin/env bash
# Prints the path of the binary `dezky` that the checks run: DEZKY_TEST_BINARY, or the one that is built here.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ -z "${DEZKY_TEST_BINARY:-}" ]; then
    # With the features of the tests: what these have built is not built again.
    cargo build --quiet --workspace --all-features --locked --bin dezky
    target=$(cargo metadata --format-version 1 --no-deps --locked | python3 -c 'import json, sys; print(json.load(sys.stdin)["target_directory"])')
    DEZKY_TEST_BINARY=$target/debug/dezky
fi
realpath "$DEZKY_TEST_BINARY"
