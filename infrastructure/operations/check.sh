#!/usr/bin/env bash
# Holds the guides of docs/operations to the release: commands, settings, files, secrets; runs what can be run; rehearses the migration.
# shellcheck source=infrastructure/checks.sh
source "$(dirname "$0")/../checks.sh"

need restic sqlite3 jq
need_release
guides() {
    scripts/with-test-database.sh python3 "${discover[@]}" infrastructure/operations --pattern test_guides.py
}
beside infrastructure/operations/rehearse-migration.sh guides
