#!/usr/bin/env bash
# Runs tests with large numbers, which takes minutes. Prints what was measured.
set -euo pipefail
cd "$(dirname "$0")/.."

export DEZKY_TEST_CRASH_WRITES=${DEZKY_TEST_CRASH_WRITES:-10000}
DEZKY_TEST_MONGODB_SERVER="$(scripts/test-database.sh)"
export DEZKY_TEST_MONGODB_SERVER
# With the features of the tests of the whole workspace, so that what they have built is used.
cargo test --workspace --all-features --locked --test crash -- --nocapture
