#!/usr/bin/env bash
# Runs tests with large numbers, which takes minutes. Prints what was measured.
set -euo pipefail
cd "$(dirname "$0")/.."

export DEZKY_TEST_CRASH_WRITES=${DEZKY_TEST_CRASH_WRITES:-10000}
DEZKY_TEST_MONGODB_SERVER="$(scripts/test-database.sh)"
export DEZKY_TEST_MONGODB_SERVER
cargo test --locked --package dezky-host --test crash -- --nocapture
