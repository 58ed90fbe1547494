#!/usr/bin/env bash
# Checks the recipes of images: builds them with small programs in the place of the real ones, looks into them and runs them.
set -euo pipefail
cd "$(dirname "$0")/../.."

for pair in shellcheck:shellcheck buildah:buildah jq:jq readelf:binutils cc:gcc; do
    scripts/debian-package.sh "${pair%%:*}" "${pair##*:}"
done
shellcheck --external-sources infrastructure/images/*.sh

# A Node that the portal accepts: that of this machine, or that of a registry.
node=$(command -v node)
if [ "$(printf '%s\n' v22.19.0 "$("$node" --version)" | sort --version-sort | head -1)" != v22.19.0 ]; then
    folder=$PWD/.venv/node-22.21.1
    [ -x "$folder/node_modules/node/bin/node" ] || npm install --silent --no-audit --no-fund --prefix "$folder" node@22.21.1
    node=$folder/node_modules/node/bin/node
fi
export DEZKY_TEST_NODE=$node PYTHONDONTWRITEBYTECODE=1
cd infrastructure/images/tests
python3 -m unittest --quiet test_images
