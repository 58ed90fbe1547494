#!/usr/bin/env bash
# Builds what runs inside a component (domain, authz, service, http) for wasm32-wasip2, without stores and sockets.
set -euo pipefail
cd "$(dirname "$0")/.."

if command -v rustup >/dev/null; then
    rustup target add wasm32-wasip2 >/dev/null 2>&1
fi
cargo build --package dezky --no-default-features --target wasm32-wasip2 --locked
