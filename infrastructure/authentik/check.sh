#!/usr/bin/env bash
# Checks the blueprints: resolved as Authentik's importer does, for each supported version, and held to the documents of its API.
set -euo pipefail
cd "$(dirname "$0")/../.."
folder=infrastructure/authentik

environment=$(scripts/python-environment.sh compose scripts/requirements/compose.txt)
DEZKY_TEST_BINARY=$(infrastructure/compose/binary.sh)
export DEZKY_TEST_BINARY PYTHONDONTWRITEBYTECODE=1

"$environment/bin/yamllint" --strict --config-file infrastructure/compose/yamllint.yaml "$folder/blueprints"
"$environment/bin/python" -m pytest --quiet -p no:cacheprovider "$folder/tests"
