#!/usr/bin/env bash
# Rehearses docs/operations/migration.md on a database of the NestJS service's shape: its commands by the release, and everything in
# between by that service's own Mongoose models. Installs what it needs, and leaves nothing behind.
# shellcheck source=infrastructure/checks.sh
source "$(dirname "$0")/../checks.sh"

scripts/node-modules.sh handlers/host/tests/mongoose
need_release
exec scripts/with-test-database.sh python3 "${discover[@]}" infrastructure/operations --pattern test_migration.py
