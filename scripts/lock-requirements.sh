#!/usr/bin/env bash
# Writes each requirements.txt, with the hashes of all files that may be installed, from the requirements.in beside it.
#
# Versions stay as they are unless the .in file asks for others; `--upgrade` takes the newest, `--upgrade-package NAME` those of one.
set -euo pipefail
cd "$(dirname "$0")/.."

uv=$(scripts/python-environment.sh supply-chain scripts/requirements/supply-chain.txt)/bin/uv
for source in bindings/python/requirements.in examples/ops/requirements.in benches/python/requirements.in scripts/requirements/*.in; do
    # One file for all systems and all versions of Python from 3.11 on. Wheels and sources, so that pip may choose.
    "$uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-emit-index-url \
        --custom-compile-command scripts/lock-requirements.sh "$@" --output-file "${source%.in}.txt" "$source"
done
