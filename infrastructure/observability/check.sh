#!/usr/bin/env bash
# Holds rules and dashboard to what a release with traffic tells, runs the unit tests of the rules, and lets Prometheus scrape it.
# shellcheck source=infrastructure/checks.sh
source "$(dirname "$0")/../checks.sh"

need promtool:prometheus prometheus jq systemd-analyze:systemd
need_release
metrics() {
    python3 "${discover[@]}" infrastructure/observability/tests --pattern test_metrics.py
}
files() {
    python3 "${discover[@]}" infrastructure/observability/tests --pattern test_files.py
}
# The release mostly waits, promtool computes.
beside metrics files
