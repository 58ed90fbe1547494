#!/usr/bin/env bash
# Tests that the replaced service's Mongoose reads and goes on with the documents after `dezky migrate`, and after Dezky has written to
# them. Run it under scripts/with-test-database.sh. Arguments are test files (all).
set -euo pipefail
cd "$(dirname "$0")/.."
tests=$PWD/handlers/host/tests/mongoose

if [ -z "${DEZKY_TEST_MONGODB_URI:-}" ]; then
    echo "run it as: scripts/with-test-database.sh scripts/test-mongoose.sh" >&2
    exit 2
fi

scripts/node-modules.sh "$tests"
DEZKY_TEST_BINARY=$(infrastructure/test-binary.sh)
export DEZKY_TEST_BINARY
[ $# -gt 0 ] || set -- "$tests"/*.test.mjs
exec node --test --test-timeout 300000 --test-reporter spec "$@"
