#!/usr/bin/env bash
# Lints everything: clippy over all targets and features, the documentation, and what must build for WASM.
set -euo pipefail
cd "$(dirname "$0")/.."

cargo clippy --workspace --all-targets --all-features --locked -- --deny warnings
RUSTDOCFLAGS="--deny warnings" cargo doc --workspace --no-deps --all-features --locked --quiet
scripts/check-wasm.sh
scripts/check-infrastructure.sh
