#!/usr/bin/env bash
# Checks the template with cfn-lint.
# shellcheck source=infrastructure/checks.sh
source "$(dirname "$0")/../checks.sh"

environment=$(scripts/python-environment.sh cfn-lint scripts/requirements/cfn-lint.txt)
"$environment/bin/cfn-lint" infrastructure/lambda/template.yaml
