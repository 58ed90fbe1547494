#!/usr/bin/env bash
# Builds the portal for production into examples/portal/.output, with what it needs: packages from npm, among them the Node that it is
# built and run with, and the addon that scripts/node-package.sh has built before. .output/THIRD-PARTY-NOTICES is about all that others
# wrote in it.
set -euo pipefail
cd "$(dirname "$0")/.."
sdk=$PWD/bindings/node
scripts/node-modules.sh examples/portal
cd examples/portal

if ! compgen -G "$sdk/dezky.*.node" >/dev/null; then
    echo "build-portal.sh: there is no addon: run scripts/node-package.sh build" >&2
    exit 1
fi
# A copy and not a link: Nitro takes into its output what it finds below node_modules.
rm -rf node_modules/@dezky/sdk
mkdir -p node_modules/@dezky/sdk
cp -R "$sdk"/{package.json,index.cjs,index.mjs,index.d.ts,index.d.mts,lib} "$sdk"/dezky.*.node node_modules/@dezky/sdk/

npm run --silent build -- --logLevel silent
../../scripts/notices.sh portal .output/THIRD-PARTY-NOTICES
rm .output/bundled.json
