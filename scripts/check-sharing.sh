#!/usr/bin/env bash
# Holds that `make dev`, `make portal` and the released binary compile no library other than `make test` does: each with the
# features that the whole workspace asks of it. What differs belongs into handlers/unified-features/Cargo.toml.
set -euo pipefail
cd "$(dirname "$0")/.."

# Every library and its features, the parts of the workspace aside.
libraries() {
    cargo tree --locked --edges normal,build --prefix none --format '{p} {f}' "$@" | sed 's/ (\*)$//' | grep -v '^dezky' | sort -u
}

all=$(libraries --workspace --all-features)
differing=0
compare() {
    local name=$1 apart
    shift
    apart=$(comm -23 <(libraries "$@") <(printf '%s\n' "$all"))
    if [ -n "$apart" ]; then
        printf 'check-sharing.sh: %s compiles these again:\n%s\n' "$name" "$apart" >&2
        differing=1
    fi
}

# shellcheck source=scripts/development.sh
source scripts/development.sh
compare "make dev" "${DEVELOPMENT[@]}"
compare "make portal" --package dezky-node
compare "the released binary" --package dezky-host
exit "$differing"
