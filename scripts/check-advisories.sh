#!/usr/bin/env bash
# Checks Cargo.lock against the advisories of RustSec. Arguments go to cargo-deny, such as `--config FILE`.
#
# The database is a git repository. Where it cannot be fetched, one line says that advisories were not checked and why, and the
# exit code is 0: a network that does not reach it says nothing about the dependencies.
set -euo pipefail
cd "$(dirname "$0")/.."

deny=$(scripts/python-environment.sh supply-chain scripts/requirements/supply-chain.txt)/bin/cargo-deny
messages=$(mktemp "${TMPDIR:-/tmp}/dezky-advisories.XXXXXX")
trap 'rm -f "$messages"' EXIT

# What git says first, or else what was said last.
reason() { grep -m 1 '^fatal: ' "$messages" || tail -n 1 "$messages"; }

status=0
GIT_TERMINAL_PROMPT=0 timeout 120 "$deny" --locked "$@" fetch db >"$messages" 2>&1 || status=$?
if [ "$status" = 0 ]; then
    "$deny" --locked "$@" check --hide-inclusion-graph advisories
elif [ "$status" = 124 ]; then
    echo "check-advisories.sh: advisories were NOT checked: the database was not fetched within 120 s" >&2
elif grep -q "failed to fetch database" "$messages"; then
    echo "check-advisories.sh: advisories were NOT checked: the database cannot be fetched: $(reason)" >&2
else
    cat "$messages" >&2
    exit "$status"
fi
