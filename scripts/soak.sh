#!/usr/bin/env bash
# Runs tests with large numbers, which takes minutes. Prints what was measured.
set -euo pipefail
cd "$(dirname "$0")/.."

export DEZKY_TEST_CRASH_WRITES=${DEZKY_TEST_CRASH_WRITES:-10000}
DEZKY_TEST_MONGODB_SERVER="$(scripts/test-database.sh)"
export DEZKY_TEST_MONGODB_SERVER
# With the features of the tests of the whole workspace, so that what they have built is used.
cargo test --workspace --all-features --locked --test crash -- --nocapture
# Every valid request through a component succeeds.
DEZKY_TEST_COMPONENT="$(scripts/build-component.sh)"
export DEZKY_TEST_COMPONENT
export DEZKY_TEST_CREATIONS=${DEZKY_TEST_CREATIONS:-6000}
cargo test --workspace --all-features --locked --test component valid_creations -- --nocapture
