#!/usr/bin/env bash
# Tests the portal: its types, and end to end, on a production build in a real Chromium, with screenshots in
# examples/portal/tests/artifacts. Arguments are test files (all).
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/debian-package.sh chromium chromium
# What scripts/test-node.sh has built, where it has.
scripts/node-package.sh build --test
scripts/build-portal.sh
target=$(cargo metadata --format-version 1 --no-deps --locked | node -p 'JSON.parse(require("fs").readFileSync(0, "utf8")).target_directory')
export DEZKY_TEST_BINARY=$target/debug/dezky
cd examples/portal
npm run --silent typecheck
[ $# -gt 0 ] || set -- tests/*.test.mjs
rm -rf tests/artifacts
# What waits for what never comes ends after ten minutes: no test takes a part of that, on machines that do other things too.
exec node_modules/.bin/node --test --test-timeout 600000 --test-concurrency 2 --test-reporter spec "$@"
