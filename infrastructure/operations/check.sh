#!/usr/bin/env bash
# Holds the guides of docs/operations to the release: commands, settings, files, secrets; runs what can be run; rehearses the migration.
set -euo pipefail
cd "$(dirname "$0")/../.."

for pair in restic:restic sqlite3:sqlite3 jq:jq shellcheck:shellcheck; do
    scripts/debian-package.sh "${pair%:*}" "${pair#*:}"
done
DEZKY_TEST_BINARY=$(infrastructure/test-binary.sh)
export DEZKY_TEST_BINARY
export PYTHONDONTWRITEBYTECODE=1

shellcheck infrastructure/operations/*.sh
infrastructure/operations/rehearse-migration.sh &
migration=$!
status=0
scripts/with-test-database.sh python3 -m unittest discover --start-directory infrastructure/operations --pattern test_guides.py || status=1
wait "$migration" || status=1
exit "$status"
