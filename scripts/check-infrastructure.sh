#!/usr/bin/env bash
# Runs the check of each folder under infrastructure/: what cannot be started on a developer's machine is at least held to its schema.
set -euo pipefail
cd "$(dirname "$0")/.."

for check in infrastructure/*/check.sh; do
    echo "$check" >&2
    "$check"
done
