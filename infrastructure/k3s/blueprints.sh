#!/usr/bin/env bash
# Prints the ConfigMap with Authentik's blueprints: blueprints.sh | kubectl apply --server-side -f -
#
# They are those of infrastructure/authentik, except for the subfolders (for laptops) and for SCIM, which is set up once Dezky runs. There, one domain has
# everything; here, files are beside the portal's domain (SYSTEMS_DOMAIN). Needs kubectl.
set -euo pipefail
source=$(cd "$(dirname "$0")/.." && pwd)/authentik/blueprints

if [ ! -d "$source" ]; then
    echo "blueprints.sh: there is no folder \`$source\`: run this in a whole checkout" >&2
    exit 1
fi
work=$(mktemp -d "${TMPDIR:-/tmp}/dezky-blueprints.XXXXXX")
trap 'rm -rf "$work"' EXIT
files=()
for file in "$source"/*.yaml; do
    name=$(basename "$file")
    [ "$name" != scim.yaml ] || continue
    if [ "$name" = files.yaml ]; then
        sed 's/!Env DEZKY_DOMAIN\b/!Env DEZKY_SYSTEMS_DOMAIN/g' "$file" >"$work/$name"
    else
        cp "$file" "$work/$name"
    fi
    files+=("--from-file=$work/$name")
done
kubectl create configmap dezky-blueprints --namespace authentik "${files[@]}" --dry-run=client --output yaml
