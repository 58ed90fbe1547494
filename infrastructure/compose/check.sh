#!/usr/bin/env bash
# Checks the platform of one machine: files against their schemas, promises against Docker Compose's own reading of them, scripts against
# doubles of every command that they call, and the settings of Dezky's containers against its binary.
set -euo pipefail
cd "$(dirname "$0")/../.."
folder=infrastructure/compose

scripts/debian-package.sh shellcheck shellcheck
scripts/debian-package.sh bats bats
scripts/debian-package.sh mkcert mkcert
scripts/debian-package.sh buildah buildah
environment=$(scripts/python-environment.sh compose scripts/requirements/compose.txt)
DEZKY_TEST_BINARY=$(infrastructure/compose/binary.sh)
export DEZKY_TEST_BINARY PYTHONDONTWRITEBYTECODE=1

"$environment/bin/yamllint" --strict --config-file "$folder/yamllint.yaml" "$folder"
"$environment/bin/check-jsonschema" --builtin-schema vendor.compose-spec "$folder"/{base,compose,chat,meetings}.yaml
shellcheck --external-sources "$folder"/*.sh "$folder"/tests/*.bash "$folder"/tests/*.bats "$folder"/tests/doubles/*
"$environment/bin/python" -m pytest --quiet -p no:cacheprovider "$folder/tests"
node --test --test-reporter dot "$folder"/tests/*.test.mjs
bats "$folder/tests"
