#!/usr/bin/env bash
# Rehearses docs/operations/migration.md on a database of the NestJS service's shape: its commands by the release, and everything in
# between by that service's own Mongoose models. Installs what it needs, and leaves nothing behind.
set -euo pipefail
cd "$(dirname "$0")/../.."

tests=handlers/host/tests/mongoose
if ! cmp -s "$tests/package-lock.json" "$tests/node_modules/.installed"; then
    (cd "$tests" && npm ci --silent --no-audit --no-fund)
    cp "$tests/package-lock.json" "$tests/node_modules/.installed"
fi
DEZKY_TEST_BINARY=$(infrastructure/test-binary.sh)
export DEZKY_TEST_BINARY
export PYTHONDONTWRITEBYTECODE=1
exec scripts/with-test-database.sh python3 -m unittest discover --start-directory infrastructure/operations --pattern test_migration.py
