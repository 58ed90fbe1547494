#!/usr/bin/env bash
# Lints everything: clippy over all targets and features, the documentation, what must build for WASM, templates, documents,
# dependencies, spelling, and Python.
set -euo pipefail
cd "$(dirname "$0")/.."

cargo clippy --workspace --all-targets --all-features --locked -- --deny warnings
RUSTDOCFLAGS="--deny warnings" cargo doc --workspace --no-deps --all-features --locked --quiet
# shellcheck source=scripts/development.sh
source scripts/development.sh
cargo clippy "${DEVELOPMENT[@]}" --locked -- --deny warnings
scripts/check-sharing.sh
scripts/check-wasm.sh
scripts/check-infrastructure.sh
python3 scripts/check-documents.py
scripts/check-docs.sh
scripts/check-release.sh
scripts/check-supply-chain.sh
python=$(scripts/python-package.sh tools)/bin/python
for work in check "format --check"; do
    # shellcheck disable=SC2086 # two words
    "$python" -m ruff $work --quiet bindings/python
    # shellcheck disable=SC2086
    (cd examples/ops && "$python" -m ruff $work --quiet .)
    # shellcheck disable=SC2086
    "$python" -m ruff $work --quiet --config bindings/python/ruff.toml benches/python scripts/book scripts/supply-chain scripts/scim
done
