#!/usr/bin/env bash
# Rehearses an upgrade, losses and partitions of three hosts and two workers behind a balancer: rehearse.sh [short]
#
# Installs what it needs, and leaves nothing behind. DEZKY_TEST_BINARY names a release, and DEZKY_REHEARSAL_NEXT another, to which it is upgraded.
# shellcheck source=infrastructure/checks.sh
source "$(dirname "$0")/../checks.sh"

need haproxy
need_release
DEZKY_TEST_MONGODB_SERVER=$(scripts/test-database.sh)
export DEZKY_TEST_MONGODB_SERVER
exec python3 infrastructure/scale-out/rehearse.py "$@"
