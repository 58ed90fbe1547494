#!/usr/bin/env bash
# Checks the platform of one machine: files against their schemas, promises against Docker Compose's own reading of them, scripts against
# doubles of every command that they call, and the settings of Dezky's containers against its binary.
# shellcheck source=infrastructure/checks.sh
source "$(dirname "$0")/../checks.sh"
folder=infrastructure/compose

need bats mkcert buildah
environment=$(scripts/python-environment.sh compose scripts/requirements/compose.txt)
need_release
"$environment/bin/yamllint" --strict --config-file "$folder/yamllint.yaml" "$folder"
"$environment/bin/check-jsonschema" --builtin-schema vendor.compose-spec "$folder"/{base,compose,chat,meetings}.yaml
"$environment/bin/python" -m pytest --quiet -p no:cacheprovider "$folder/tests"
node --test --test-reporter dot "$folder"/tests/*.test.mjs
bats "$folder/tests"
