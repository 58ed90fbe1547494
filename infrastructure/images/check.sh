#!/usr/bin/env bash
# Checks the recipes of images: builds them with small programs in the place of the real ones, looks into them and runs them.
# shellcheck source=infrastructure/checks.sh
source "$(dirname "$0")/../checks.sh"

need bats buildah jq readelf:binutils cc:gcc
# A Node that the portal accepts: that of this machine, or that of a registry.
node=$(command -v node)
if [ "$(printf '%s\n' v22.19.0 "$("$node" --version)" | sort --version-sort | head -1)" != v22.19.0 ]; then
    folder=$PWD/.venv/node-22.21.1
    [ -x "$folder/node_modules/node/bin/node" ] || npm install --silent --no-audit --no-fund --prefix "$folder" node@22.21.1
    node=$folder/node_modules/node/bin/node
fi
export DEZKY_TEST_NODE=$node
python3 "${discover[@]}" infrastructure/images/tests
bats infrastructure/images/tests
