#!/usr/bin/env bash
# Lints what runs inside a component, for its target: the core without stores and sockets, the component, and the hostile
# one of the tests.
set -euo pipefail
cd "$(dirname "$0")/.."

if command -v rustup >/dev/null && ! rustup target list --installed | grep -qx wasm32-wasip2; then
    rustup target add wasm32-wasip2 >&2
fi
cargo clippy --package dezky --no-default-features --target wasm32-wasip2 --locked -- --deny warnings
cargo clippy --package dezky-wasm --package dezky-hostile --target wasm32-wasip2 --locked -- --deny warnings
