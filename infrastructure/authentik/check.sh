#!/usr/bin/env bash
# Checks the blueprints: resolved as Authentik's importer does, for each supported version, and held to the documents of its API.
# shellcheck source=infrastructure/checks.sh
source "$(dirname "$0")/../checks.sh"
folder=infrastructure/authentik

environment=$(scripts/python-environment.sh compose scripts/requirements/compose.txt)
need_release
"$environment/bin/yamllint" --strict --config-file infrastructure/compose/yamllint.yaml "$folder/blueprints"
"$environment/bin/python" -m pytest --quiet -p no:cacheprovider "$folder/tests"
