#!/usr/bin/env bash
# Creates the secrets that the manifests name, each once: secrets.sh [--check] GIVEN
#
# GIVEN is a file of NAME=VALUE lines that only you may read (0600), with what other parties give you:
#
#   HETZNER_DNS_TOKEN                 a token of the project that has the DNS zone
#   S3_ACCESS_KEY, S3_SECRET_KEY      credentials of the bucket of OCIS
#   SMTP_PASSWORD                     password of platform@SYSTEMS_DOMAIN in Stalwart
#   STALWART_API_KEY                  API key of Dezky in Stalwart
#   OCIS_APP_TOKEN                    app token of the account `admin` in OCIS
#
# The last three exist only after the systems have run for the first time: leave them out, and run this again. Everything else is made
# here from the system's random numbers. A secret that exists is never changed: to rotate one, delete it and run this again, as
# README.md says. With --check nothing is created. Exits 1 while something is missing. Needs kubectl and openssl.
set -euo pipefail
umask 077

refuse() {
    echo "secrets.sh: $1" >&2
    exit "${2:-1}"
}

dry=false
if [ "${1:-}" = --check ]; then
    dry=true
    shift
fi
[ $# -eq 1 ] || refuse "usage: secrets.sh [--check] GIVEN" 2
for command in kubectl openssl; do
    command -v "$command" >/dev/null || refuse "$command is missing: install it"
done
if [ ! -f "$1" ] || [ ! -r "$1" ]; then
    refuse "the file \`$1\` cannot be read; it may be empty, but must exist" 2
fi
case $(stat -c %a "$1") in
    *00) ;;
    *) refuse "others may read \`$1\`: run \`chmod 600 '$1'\`, and replace what is in it if somebody may have" 2 ;;
esac

known=" HETZNER_DNS_TOKEN S3_ACCESS_KEY S3_SECRET_KEY SMTP_PASSWORD STALWART_API_KEY OCIS_APP_TOKEN "
declare -A given=()
number=0
while IFS= read -r line || [ -n "$line" ]; do
    number=$((number + 1))
    [[ $line =~ ^[[:space:]]*(#.*)?$ ]] && continue
    # The line is not repeated: it may be a secret.
    [[ $line =~ ^([A-Z0-9_]+)=(.+)$ ]] || refuse "\`$1\`, line $number: write NAME=VALUE" 2
    [[ $known == *" ${BASH_REMATCH[1]} "* ]] || refuse "\`$1\`, line $number: there is no \`${BASH_REMATCH[1]}\`; known are:${known% }" 2
    given[${BASH_REMATCH[1]}]=${BASH_REMATCH[2]}
done <"$1"

work=$(mktemp -d "${TMPDIR:-/tmp}/dezky-secrets.XXXXXX")
trap 'rm -rf "$work"' EXIT
missing=()

random() { openssl rand -hex "${1:-32}"; }

exists() {
    local found
    found=$(kubectl --namespace "$1" get secret "$2" --ignore-not-found --output name) ||
        refuse "the cluster does not answer for secrets of the namespace \`$1\`: see the message above"
    [ -n "$found" ]
}

# Prints a key of a secret that exists.
value() { kubectl --namespace "$1" get secret "$2" --output "go-template={{index .data \"$3\" | base64decode}}"; }

# Creates a secret: create NAMESPACE NAME KEY VALUE... Values go through files, since everybody may see arguments of commands.
create() {
    local namespace=$1 name=$2 folder=$work/$1-$2 files=()
    shift 2
    if exists "$namespace" "$name"; then
        echo "kept     $namespace/$name"
        return
    fi
    if [ "$dry" = true ]; then
        missing+=("$namespace/$name")
        echo "missing  $namespace/$name"
        return
    fi
    mkdir "$folder"
    while [ $# -gt 0 ]; do
        printf '%s' "$2" >"$folder/$1"
        files+=("--from-file=$1=$folder/$1")
        shift 2
    done
    kubectl --namespace "$namespace" create secret generic "$name" "${files[@]}" >/dev/null ||
        refuse "\`$namespace/$name\` was not created: see the message above. Does the namespace exist? render.sh system … makes it"
    echo "created  $namespace/$name"
}

# As `create`, of what was given: create_given NAMESPACE NAME KEY NAME-IN-FILE...
create_given() {
    local namespace=$1 name=$2 pairs=() absent=()
    shift 2
    while [ $# -gt 0 ]; do
        if [ -n "${given[$2]:-}" ]; then pairs+=("$1" "${given[$2]}"); else absent+=("$2"); fi
        shift 2
    done
    if [ ${#absent[@]} -gt 0 ] && ! exists "$namespace" "$name"; then
        missing+=("$namespace/$name (not given: ${absent[*]})")
        echo "missing  $namespace/$name, for which ${absent[*]} is not given"
    else
        create "$namespace" "$name" "${pairs[@]}"
    fi
}

create mongodb dezky-mongodb-dezky password "$(random)"
create mongodb dezky-mongodb-backup password "$(random)"
if exists mongodb dezky-mongodb-dezky; then
    password=$(value mongodb dezky-mongodb-dezky password)
    # Any number of members: they are in DNS.
    create dezky dezky-store uri \
        "mongodb+srv://dezky:$password@dezky-mongodb-svc.mongodb.svc.cluster.local/dezky?tls=false&replicaSet=dezky-mongodb&authSource=admin"
else
    missing+=("dezky/dezky-store")
fi

create dezky dezky-portal client-secret "$(random)" token-key "$(openssl rand -base64 32)"
create authentik authentik-postgresql password "$(random)"
if exists dezky dezky-portal && exists authentik authentik-postgresql; then
    # A blueprint makes Dezky's account with this token.
    create authentik authentik AUTHENTIK_SECRET_KEY "$(random 48)" AUTHENTIK_BOOTSTRAP_PASSWORD "$(random 16)" DEZKY_CONNECTOR_TOKEN "$(random)" \
        AUTHENTIK_POSTGRESQL__PASSWORD "$(value authentik authentik-postgresql password)" \
        DEZKY_PORTAL_CLIENT_SECRET "$(value dezky dezky-portal client-secret)"
else
    missing+=("authentik/authentik")
fi

# OCIS speaks to its directory by TLS alone. The authority's key is needed by nobody afterwards, and ends with this script.
if [ "$dry" = false ] && ! exists ocis ocis-ldap-ca; then
    if exists ocis ocis-ldap-cert; then
        refuse "there is ocis/ocis-ldap-cert without ocis/ocis-ldap-ca: delete it, and run this again"
    fi
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj "/CN=ocis-idm authority" \
        -addext "basicConstraints=critical,CA:true" -addext "keyUsage=critical,keyCertSign" \
        -keyout "$work/ca.key" -out "$work/ca.crt" 2>"$work/log" || refuse "openssl made no authority: $(cat "$work/log")"
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=ocis-idm" -keyout "$work/ldap.key" -out "$work/ldap.csr" 2>"$work/log" ||
        refuse "openssl made no request: $(cat "$work/log")"
    printf 'subjectAltName=DNS:ocis-idm,DNS:ocis-idm.ocis.svc.cluster.local\nextendedKeyUsage=serverAuth\n' >"$work/extensions"
    openssl x509 -req -in "$work/ldap.csr" -CA "$work/ca.crt" -CAkey "$work/ca.key" -CAcreateserial -days 3650 \
        -extfile "$work/extensions" -out "$work/ldap.crt" 2>"$work/log" || refuse "openssl made no certificate: $(cat "$work/log")"
    # The certificate first: interrupted in between, the next run says what to do.
    create ocis ocis-ldap-cert ldap.crt "$(cat "$work/ldap.crt")" ldap.key "$(cat "$work/ldap.key")"
    create ocis ocis-ldap-ca ldap-ca.crt "$(cat "$work/ca.crt")"
else
    create ocis ocis-ldap-cert
    create ocis ocis-ldap-ca
fi
bind=$(random)
# One account of the directory may write. The chart gives its password under the name that it has for reading.
create ocis ocis-ldap-bind reva-ldap-bind-password "$bind" graph-ldap-bind-password "$bind" idp-ldap-bind-password "$(random)" \
    idm-reva-password "$(random)" idm-admin-password "$(random)"

create_given cert-manager hetzner token HETZNER_DNS_TOKEN
create_given ocis ocis-s3 accessKey S3_ACCESS_KEY secretKey S3_SECRET_KEY
create_given authentik authentik-mail AUTHENTIK_EMAIL__PASSWORD SMTP_PASSWORD
if exists authentik authentik; then
    given[CONNECTOR]=$(value authentik authentik DEZKY_CONNECTOR_TOKEN)
fi
create_given dezky dezky-systems authentik CONNECTOR stalwart STALWART_API_KEY ocis OCIS_APP_TOKEN smtp SMTP_PASSWORD

if [ ${#missing[@]} -gt 0 ]; then
    echo "secrets.sh: ${#missing[@]} missing: $(printf '%s; ' "${missing[@]}")" >&2
    exit 1
fi
