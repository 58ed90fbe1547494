#!/usr/bin/env bash
# Checks the templates under infrastructure/. Installs cfn-lint into .venv/cfn-lint where the pinned version is missing.
set -euo pipefail
cd "$(dirname "$0")/.."

version=1.58.0
tool=.venv/cfn-lint
if [ "$("$tool/bin/cfn-lint" --version 2>/dev/null)" != "cfn-lint $version" ]; then
    echo "installing cfn-lint $version into $tool" >&2
    python3 -m venv --clear "$tool"
    "$tool/bin/pip" install --quiet --disable-pip-version-check "cfn-lint==$version" >&2
fi
"$tool/bin/cfn-lint" infrastructure/lambda/template.yaml
