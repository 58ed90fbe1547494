#!/bin/sh
# Installs requirements with hashes into .venv/NAME and prints that folder: python-environment.sh NAME REQUIREMENTS
#
# When the same requirements are there already, nothing is downloaded. pip refuses a file whose hash is not listed.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
environment=$root/.venv/$1
requirements=$root/$2
if ! cmp -s "$requirements" "$environment/installed"; then
    if ! command -v python3 >/dev/null 2>&1; then
        echo "python-environment.sh: python3 is missing: install Python 3.11 or newer with its venv module" >&2
        exit 1
    fi
    echo "installing $2 into $environment" >&2
    rm -rf "$environment"
    mkdir -p "$(dirname -- "$environment")"
    python3 -m venv "$environment" >&2
    "$environment/bin/pip" install --quiet --disable-pip-version-check --require-hashes --requirement "$requirements" >&2
    # Written last, so that an interrupted installation is begun again.
    cp "$requirements" "$environment/installed"
fi
echo "$environment"
