#!/usr/bin/env bash
# Writes a software bill of materials (CycloneDX, JSON) beside what is released: sbom.sh FOLDER [PART...]
#
# Parts are binary, component, lambda, node, python and portal; all without arguments. Names, versions, licences, package URLs and
# hashes come from the lock files.
set -euo pipefail

if [ $# -eq 0 ]; then
    echo "usage: sbom.sh FOLDER [binary | component | lambda | node | python | portal]..." >&2
    exit 2
fi
scripts=$(cd "$(dirname "$0")" && pwd)
environment=$("$scripts/python-environment.sh" supply-chain scripts/requirements/supply-chain.txt)
PYTHONDONTWRITEBYTECODE=1 exec "$environment/bin/python" "$scripts/supply-chain/sbom.py" "$@"
