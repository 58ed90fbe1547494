#!/usr/bin/env bash
# Builds the development server and runs it until Ctrl-C: dev.sh [--component] [FLAG OF `dezky dev`...]
#
# With --component the API is served by the sandboxed component, which is compiled beside the server with its runtime.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/development.sh
source scripts/development.sh

binary=${CARGO_TARGET_DIR:-$PWD/target}/debug/dezky
if [ "${1:-}" = --component ]; then
    shift
    echo "Compiling the server, the runtime of components and the component: a quarter of an hour or so the first time." >&2
    # Both at the same time: each has profiles and so locks of its own.
    cargo build --package dezky-host --locked &
    server=$!
    component=$(scripts/build-component.sh)
    wait "$server"
    exec "$binary" dev --component "$component" "$@"
fi
if [ ! -e "$binary" ]; then
    echo "Compiling the server: two to three minutes the first time, on two cores. Later starts take a second." >&2
fi
cargo build "${DEVELOPMENT[@]}" --locked
exec "$binary" dev "$@"
