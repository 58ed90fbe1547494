#!/usr/bin/env bash
# Checks the template with cfn-lint.
set -euo pipefail
cd "$(dirname "$0")/../.."

environment=$(scripts/python-environment.sh cfn-lint scripts/requirements/cfn-lint.txt)
"$environment/bin/cfn-lint" infrastructure/lambda/template.yaml
