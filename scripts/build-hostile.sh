#!/usr/bin/env bash
# Builds the hostile component of the tests and prints where it is. Arguments go to cargo: `--features obliging` for benches.
set -euo pipefail
cd "$(dirname "$0")/.."

if command -v rustup >/dev/null && ! rustup target list --installed | grep -qx wasm32-wasip2; then
    rustup target add wasm32-wasip2 >&2
fi
cargo build --package dezky-hostile --profile component --target wasm32-wasip2 --locked "$@" >&2
printf '%s\n' "${CARGO_TARGET_DIR:-$PWD/target}/wasm32-wasip2/component/dezky_hostile.wasm"
