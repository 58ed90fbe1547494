#!/bin/sh
# Installs the MongoDB-wire server that the tests run against, and prints the path of its executable.
#
# It goes into .venv/test-database in the repository. When the pinned version is there already, nothing is downloaded.
# The server (SecantusDB, GPL-2.0-only) is a separate process in tests; it is neither linked nor shipped.
set -eu

version=0.7.0b3
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
environment=$root/.venv/test-database
executable=$environment/bin/secantusd-py
marker=$environment/installed-version

if [ ! -x "$executable" ] || [ "$(cat "$marker" 2>/dev/null)" != "$version" ]; then
    if ! command -v python3 >/dev/null 2>&1; then
        echo "test-database.sh: python3 is missing: install Python 3.11 or newer with its venv module" >&2
        exit 1
    fi
    rm -rf "$environment"
    mkdir -p "$(dirname -- "$environment")"
    echo "installing SecantusDB $version into $environment" >&2
    python3 -m venv "$environment" >&2
    "$environment/bin/pip" install --quiet --disable-pip-version-check "SecantusDB==$version" >&2
    # Written last, so that an interrupted installation is begun again.
    echo "$version" >"$marker"
fi

echo "$executable"
