#!/usr/bin/env bash
# Backs real stores up, restores them and proves what was restored: restic, SQLite, PostgreSQL, and the MongoDB-wire server.
set -euo pipefail
cd "$(dirname "$0")/../.."

for pair in restic:restic sqlite3:sqlite3 jq:jq shellcheck:shellcheck systemd-analyze:systemd runuser:util-linux; do
    scripts/debian-package.sh "${pair%:*}" "${pair#*:}"
done
scripts/debian-package.sh "$(compgen -G '/usr/lib/postgresql/*/bin/initdb' | tail -n 1 || echo initdb)" postgresql
DEZKY_TEST_BINARY=$(infrastructure/test-binary.sh)
export DEZKY_TEST_BINARY
export PYTHONDONTWRITEBYTECODE=1

shellcheck --external-sources infrastructure/backup/*.sh infrastructure/test-binary.sh
# Beside each other: most of the time restic derives keys from passwords.
python3 -m unittest discover --start-directory infrastructure/backup/tests --pattern test_dezky.py &
dezky=$!
status=0
scripts/with-test-database.sh python3 -m unittest discover --start-directory infrastructure/backup/tests --pattern 'test_[!d]*.py' || status=1
wait "$dezky" || status=1
exit "$status"
