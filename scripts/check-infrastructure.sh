#!/usr/bin/env bash
# Lints the scripts of infrastructure/, and runs the check of each folder: what cannot be started on a developer's machine is at least held
# to its schema.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/debian-package.sh shellcheck shellcheck
git grep --untracked --files-with-matches --extended-regexp '^#!(/usr)?/bin/(env (bash|bats|sh)|(ba)?sh)( |$)|^# shellcheck shell=' -- infrastructure |
    xargs shellcheck --external-sources
for check in infrastructure/*/check.sh; do
    echo "$check" >&2
    "$check"
done
