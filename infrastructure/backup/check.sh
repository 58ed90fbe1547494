#!/usr/bin/env bash
# Backs real stores up, restores them and proves what was restored: restic, SQLite, PostgreSQL, and the MongoDB-wire server.
# shellcheck source=infrastructure/checks.sh
source "$(dirname "$0")/../checks.sh"

need restic sqlite3 jq systemd-analyze:systemd runuser:util-linux
need "$(compgen -G '/usr/lib/postgresql/*/bin/initdb' | tail -n 1 || echo initdb):postgresql"
need_release
dezky() {
    python3 "${discover[@]}" infrastructure/backup/tests --pattern test_dezky.py
}
parts() {
    scripts/with-test-database.sh python3 "${discover[@]}" infrastructure/backup/tests --pattern 'test_[!d]*.py'
}
# Most of the time restic derives keys from passwords.
beside dezky parts
