#!/usr/bin/env bash
# Builds the portal with all that it needs and runs it with a development provider and demonstration data, until Ctrl-C.
# PORT (3000) is the portal's, and the next one the provider's.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/node-package.sh build --development
scripts/build-portal.sh
cd examples/portal
exec node_modules/.bin/node development/start.mjs
