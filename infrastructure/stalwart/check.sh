#!/usr/bin/env bash
# Checks what Stalwart is installed with: the confinement of its unit, its plan, and that the cluster finds it where it listens.
# shellcheck source=infrastructure/checks.sh
source "$(dirname "$0")/../checks.sh"

need systemd-analyze:systemd
python3 "${discover[@]}" infrastructure/stalwart/tests
