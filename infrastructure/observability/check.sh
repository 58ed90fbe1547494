#!/usr/bin/env bash
# Holds rules and dashboard to what a release with traffic tells, runs the unit tests of the rules, and lets Prometheus scrape it.
set -euo pipefail
cd "$(dirname "$0")/../.."

for pair in promtool:prometheus prometheus:prometheus jq:jq shellcheck:shellcheck systemd-analyze:systemd; do
    scripts/debian-package.sh "${pair%:*}" "${pair#*:}"
done
DEZKY_TEST_BINARY=$(infrastructure/test-binary.sh)
export DEZKY_TEST_BINARY
export PYTHONDONTWRITEBYTECODE=1

shellcheck infrastructure/observability/*.sh
# Beside each other: the release mostly waits, promtool computes.
python3 -m unittest discover --start-directory infrastructure/observability/tests --pattern test_metrics.py &
metrics=$!
status=0
python3 -m unittest discover --start-directory infrastructure/observability/tests --pattern test_files.py || status=1
wait "$metrics" || status=1
exit "$status"
