#!/usr/bin/env bash
# Checks what Stalwart is installed with: the confinement of its unit, its plan, and that the cluster finds it where it listens.
set -euo pipefail
cd "$(dirname "$0")/../.."

scripts/debian-package.sh systemd-analyze systemd
cd infrastructure/stalwart/tests
PYTHONDONTWRITEBYTECODE=1 python3 -m unittest --quiet test_stalwart
