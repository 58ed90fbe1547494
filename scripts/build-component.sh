#!/usr/bin/env bash
# Builds the component and prints where it is. Installs the target if rustup is there. Argument: cargo profile
# (default: component, small and without debug information).
set -euo pipefail
cd "$(dirname "$0")/.."

profile="${1:-component}"
if command -v rustup >/dev/null && ! rustup target list --installed | grep -qx wasm32-wasip2; then
    rustup target add wasm32-wasip2 >&2
fi
cargo build --package dezky-wasm --profile "$profile" --target wasm32-wasip2 --locked >&2
folder="$profile"
[ "$profile" = dev ] && folder=debug
printf '%s\n' "${CARGO_TARGET_DIR:-$PWD/target}/wasm32-wasip2/$folder/dezky_wasm.wasm"
