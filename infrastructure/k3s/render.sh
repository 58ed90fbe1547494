#!/usr/bin/env bash
# Prints the manifests of an overlay with the values of an installation: render.sh [--allow-tags] OVERLAY VALUES
#
# OVERLAY is `system`, or a folder in overlays/: `one-server`, `several-servers`, or yours. VALUES is a file like values.example.env, which
# says what each value is. Images must be named by digest, unless --allow-tags is given. Needs kubectl.
#
#   render.sh one-server /etc/dezky/values.env | kubectl apply --server-side -f -
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

refuse() {
    echo "render.sh: $1" >&2
    exit "${2:-1}"
}

tags=false
if [ "${1:-}" = --allow-tags ]; then
    tags=true
    shift
fi
[ $# -eq 2 ] || refuse "usage: render.sh [--allow-tags] OVERLAY VALUES; OVERLAY is system, one-server or several-servers" 2
overlay=overlays/$1
[ "$1" = system ] && overlay=system
[ -e "$here/$overlay/kustomization.yaml" ] || refuse "\`$1\` is no overlay: there is no \`$here/$overlay/kustomization.yaml\`" 2
[ -r "$2" ] || refuse "the values \`$2\` cannot be read" 2
command -v kubectl >/dev/null || refuse "kubectl is missing: install it, or use that of k3s (\`ln -s /usr/local/bin/k3s /usr/local/bin/kubectl\`)"

# Reads NAME=VALUE lines of a file into an array. The file is data: nothing in it is executed.
read_values() {
    local -n into=$1
    local line number=0
    while IFS= read -r line || [ -n "$line" ]; do
        number=$((number + 1))
        [[ $line =~ ^[[:space:]]*(#.*)?$ ]] && continue
        [[ $line =~ ^([A-Z][A-Z0-9_]*)=([^[:space:]\"\'\\]+)$ ]] ||
            refuse "\`$2\`, line $number: write NAME=VALUE, without blanks, quotes and backslashes" 2
        # shellcheck disable=SC2034,SC2004 # a name reference to an array by names
        into[${BASH_REMATCH[1]}]=${BASH_REMATCH[2]}
    done <"$2"
}

declare -A example=() values=()
read_values example "$here/values.example.env"
read_values values "$2"
for name in "${!values[@]}"; do
    [ -n "${example[$name]:-}" ] || refuse "\`$2\`: there is no value \`$name\`; see values.example.env" 2
done
for name in "${!example[@]}"; do
    [ -n "${values[$name]:-}" ] || refuse "\`$2\`: \`$name\` is missing; values.example.env says what it is" 2
    if [ "$tags" = false ] && [[ $name == *_IMAGE && ${values[$name]} != *@sha256:* ]]; then
        refuse "\`$2\`: \`$name\` must be named by digest (NAME@sha256:…), as a tag can be moved; or give --allow-tags" 2
    fi
done
name_pattern='^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}$'
for name in PORTAL_DOMAIN SYSTEMS_DOMAIN; do
    [[ ${values[$name]} =~ $name_pattern ]] || refuse "\`$2\`: \`$name\` must be a domain in lower case, such as ${example[$name]}" 2
done
case ${values[SYSTEMS_DOMAIN]} in
    "${values[PORTAL_DOMAIN]}" | *".${values[PORTAL_DOMAIN]}")
        refuse "\`$2\`: \`SYSTEMS_DOMAIN\` must not be the portal's domain or below it: the session's cookie would be sent to all systems" 2
        ;;
esac
[[ ${values[MAIL_ADDRESS]} =~ ^[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+$ ]] || refuse "\`$2\`: \`MAIL_ADDRESS\` must be an IPv4 address" 2
[[ ${values[NODE_NETWORK]} =~ ^[0-9.]+/[0-9]+$ ]] || refuse "\`$2\`: \`NODE_NETWORK\` must be an IPv4 network such as 10.0.0.0/24" 2

# Of two examples, one may be part of the other: the longest first. Marks in between, so that no value is replaced again.
marks=() fills=()
count=0
dots() { printf '%s' "${1//./\\.}"; }
quoted() { printf '%s' "$1" | sed 's/[][\\.*^$|&]/\\&/g'; }
while IFS= read -r name; do
    # Regular expressions have names with escaped dots.
    for form in plain pattern; do
        from=${example[$name]} to=${values[$name]}
        if [ "$form" = pattern ]; then
            [[ $name == *_DOMAIN ]] || continue
            from=$(dots "$from") to=$(dots "$to")
        fi
        marks+=(-e "s|$(quoted "$from")|@@$count@@|g")
        fills+=(-e "s|@@$count@@|$(quoted "$to")|g")
        count=$((count + 1))
    done
done < <(for name in "${!example[@]}"; do printf '%s %s\n' "${#example[$name]}" "$name"; done | sort -rn | cut -d' ' -f2)

# In a copy, so that names with a hash of settings follow the values.
copy=$(mktemp -d "${TMPDIR:-/tmp}/dezky-k3s.XXXXXX")
trap 'rm -rf "$copy"' EXIT
cp -R "$here/system" "$here/base" "$here/components" "$here/overlays" "$copy/"
find "$copy" -type f -exec sed -i.example "${marks[@]}" "${fills[@]}" {} +
manifests=$(kubectl kustomize "$copy/$overlay") || refuse "the overlay \`$overlay\` does not build: see the message above"
left=$(printf '%s\n' "$manifests" | grep -nE '(^|[^a-z])example[.\\-]|192\.0\.2\.|198\.51\.100\.|-example$' || true)
# Whoever renders the examples gets them: for the tests, and for a look.
if [ -n "$left" ] && ! cmp -s "$2" "$here/values.example.env"; then
    refuse "these lines still have values of the examples; your overlay has them, or sets none of its own:"$'\n'"$left"
fi
printf '%s\n' "$manifests"
