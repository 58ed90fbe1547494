#!/usr/bin/env bash
# Runs all tests. Installs the MongoDB-wire server that they need, starts it on a free port and stops it again.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/check-wasm.sh
DEZKY_TEST_MONGODB_SERVER="$(scripts/test-database.sh)"
export DEZKY_TEST_MONGODB_SERVER
scripts/with-test-database.sh cargo test --workspace --all-features --locked "$@"
