#!/usr/bin/env bash
# Runs all tests. Builds the component that some of them serve, installs the MongoDB-wire server that others need, starts it
# on a free port and stops it again.
set -euo pipefail
cd "$(dirname "$0")/.."

DEZKY_TEST_COMPONENT="$(scripts/build-component.sh)"
DEZKY_TEST_MONGODB_SERVER="$(scripts/test-database.sh)"
export DEZKY_TEST_COMPONENT DEZKY_TEST_MONGODB_SERVER
scripts/with-test-database.sh cargo test --workspace --all-features --locked "$@"
scripts/schemathesis.sh
scripts/with-test-database.sh scripts/test-node.sh
scripts/test-portal.sh
