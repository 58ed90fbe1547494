#!/usr/bin/env bash
# Runs all tests. Builds the component that some of them serve, installs the MongoDB-wire server that others need, starts
# it on free ports, twice for the Rust tests, and stops it again.
set -euo pipefail
cd "$(dirname "$0")/.."

DEZKY_TEST_COMPONENT="$(scripts/build-component.sh)"
DEZKY_TEST_MONGODB_SERVER="$(scripts/test-database.sh)"
export DEZKY_TEST_COMPONENT DEZKY_TEST_MONGODB_SERVER
DEZKY_TEST_CASES_REPORT=$(mktemp -d "${TMPDIR:-/tmp}/dezky-cases.XXXXXX")
export DEZKY_TEST_CASES_REPORT
trap 'rm -rf "$DEZKY_TEST_CASES_REPORT"' EXIT
DEZKY_TEST_MONGODB_SERVERS=2 scripts/with-test-database.sh cargo test --workspace --all-features --locked "$@"
scripts/schemathesis.sh
scripts/test-scim.sh
scripts/with-test-database.sh scripts/test-node.sh
scripts/with-test-database.sh scripts/test-mongoose.sh
scripts/with-test-database.sh scripts/test-python.sh
scripts/test-portal.sh
# Whoever runs a part of the tests gets no report of the whole.
if [ $# -eq 0 ]; then
    python3 scripts/cases_report.py "$DEZKY_TEST_CASES_REPORT" native-sqlite native-mongodb component-sqlite component-mongodb \
        component-each-sqlite component-each-mongodb component-wasi-http-sqlite lambda-rest-sqlite lambda-http-sqlite lambda-functionurl-sqlite \
        lambda-balancer-sqlite lambda-balancerlast-sqlite lambda-http-mongodb node-sqlite node-mongodb python-async-sqlite \
        python-async-mongodb python-sync-sqlite python-sync-mongodb
fi
