#!/usr/bin/env bash
# Prints the path of the binary `dezky` for checks, and builds it as all tests do: that of DEZKY_TEST_BINARY is taken as it is.
set -euo pipefail
cd "$(dirname "$0")/../.."

if [ -n "${DEZKY_TEST_BINARY:-}" ]; then
    echo "$DEZKY_TEST_BINARY"
    exit
fi
cargo build --quiet --workspace --all-features --locked --bin dezky >&2
target=$(cargo metadata --format-version 1 --no-deps --locked | python3 -c 'import json, sys; print(json.load(sys.stdin)["target_directory"])')
echo "$target/debug/dezky"
