#!/usr/bin/env bash
# Brings the whole platform up on this machine: bootstrap.sh [--check] [--yes] [--no-hosts] [--pin]
#
#   --check     say what is missing, and change nothing
#   --yes       answer every question with yes
#   --no-hosts  leave /etc/hosts alone
#   --pin       write the digests of the pulled images to .env, so that a tag that moves changes nothing here
#
# May be run again at any time: it does what is left to do. Secrets that exist are never replaced.
set -euo pipefail
cd "$(dirname "$0")"
# shellcheck source=infrastructure/compose/shared.sh
source ./shared.sh

CHECK=no YES=no HOSTS=yes PIN=no
for argument in "$@"; do
    case $argument in
        --check) CHECK=yes ;;
        --yes) YES=yes ;;
        --no-hosts) HOSTS=no ;;
        --pin) PIN=yes ;;
        -h | --help)
            sed -n '2,/^set /s/^# \{0,1\}//p' "$0"
            exit 0
            ;;
        *) fail "\`$argument\` is not an option: see --help" ;;
    esac
done

# Compose that knows `${NAME:+…}` in an image, `pull_policy` and `up --wait`.
OLDEST_COMPOSE=2.24
# Memory that the services of the standard profile may use together, in GB.
WANTED_MEMORY=10
# Attempts at an address, two seconds apart.
PATIENCE=150
# Days that a certificate must still be good for.
CERTIFICATE_DAYS=30

TEMPORARY=
tidy() { [ -z "$TEMPORARY" ] || rm -rf "$TEMPORARY"; }
interrupted() {
    trap - INT TERM
    note "interrupted: what was done is kept, and the next run goes on from there"
    exit 130
}
trap tidy EXIT
trap interrupted INT TERM

# --- Prerequisites ---

# Advice for a missing command, by system.
advice() {
    case $1 in
        docker)
            case $PLATFORM in
                macos) echo "install Docker Desktop, OrbStack or colima (brew install colima docker docker-compose)" ;;
                wsl) echo "install Docker Desktop on Windows and switch on its WSL integration, or docker-ce in this distribution" ;;
                *) echo "install docker-ce with docker-buildx-plugin and docker-compose-plugin: https://docs.docker.com/engine/install/" ;;
            esac
            ;;
        *)
            local package=$1
            if [ "$PLATFORM" = macos ]; then
                echo "brew install $package"
            elif command -v apt-get > /dev/null; then
                [ "$1" != mkcert ] || package="mkcert libnss3-tools"
                echo "sudo apt-get install $package"
            elif command -v dnf > /dev/null; then
                [ "$1" != mkcert ] || package="mkcert nss-tools"
                echo "sudo dnf install $package"
            else
                echo "install it with the package manager of this system"
            fi
            ;;
    esac
}

# True if version $1 is $2 or newer, by their first two numbers.
at_least() {
    awk -v have="$1" -v want="$2" 'BEGIN {
        sub(/^v/, "", have); split(have, h, "."); split(want, w, ".")
        exit !(h[1] + 0 > w[1] + 0 || (h[1] + 0 == w[1] + 0 && h[2] + 0 >= w[2] + 0))
    }'
}

prerequisites() {
    local missing=0 command version memory
    for command in docker mkcert openssl curl; do
        if ! command -v "$command" > /dev/null; then
            note "$command is missing: $(advice "$command")"
            missing=1
        fi
    done
    if command -v docker > /dev/null; then
        if ! version=$(docker compose version --short 2> /dev/null); then
            note "docker compose is missing: $(advice docker)"
            missing=1
        elif ! at_least "$version" "$OLDEST_COMPOSE"; then
            note "docker compose is $version, and $OLDEST_COMPOSE or newer is needed: $(advice docker)"
            missing=1
        fi
        if ! memory=$(docker info --format '{{.MemTotal}}' 2> /dev/null); then
            note "the container engine does not answer: start it, and see that you may use it (docker info)"
            missing=1
        elif ! awk -v have="$memory" -v want="$WANTED_MEMORY" 'BEGIN { exit !(have + 0 >= want * 1000 * 1000 * 1000) }'; then
            note "warning: the container engine has less than $WANTED_MEMORY GB of memory; services may be ended for lack of it"
        fi
    fi
    return "$missing"
}

# --- .env ---

# The names that files of Compose require.
required() {
    {
        # shellcheck disable=SC2016 # as it is written there
        grep -ho '\${[A-Z][A-Z0-9_]*:?}' ./*.yaml | tr -dc 'A-Z0-9_\n'
        sed -n 's/.*{environment: \([A-Z][A-Z0-9_]*\)}.*/\1/p' ./*.yaml
    } | sort -u
}

# The first value of a name.
invented() {
    local made
    case $1 in
        DEZKY_DOMAIN) made=${DEZKY_DOMAIN:-dezky.local} ;;
        DEZKY_UID) made=$(id -u) ;;
        DEZKY_GID) made=$(id -g) ;;
        # The portal takes exactly base64 of 32 bytes.
        PORTAL_TOKEN_KEY) made=$(openssl rand -base64 32) || made= ;;
        # All others may stand in URLs and in commands.
        *) made=$(openssl rand -hex 32) || made= ;;
    esac
    [ -n "$made" ] || fail "openssl made no value for $1"
    printf '%s' "$made"
}

missing_names() {
    required | awk '
        BEGIN {
            while ((getline line < ".env") > 0) if (match(line, /^[A-Z][A-Z0-9_]*=./)) given[substr(line, 1, RLENGTH - 2)] = 1
        }
        !($1 in given)'
}

# The contents of a file, with an end of line after the last one.
ended_lines() {
    cat "$1"
    [ -z "$(tail -c 1 "$1")" ] || echo
}

environment() {
    local missing name made domain
    missing=$(missing_names)
    if [ -n "$missing" ]; then
        # A whole new file takes the place of the old one: an interrupted run leaves the old one or the new one.
        TEMPORARY=$(mktemp .env.XXXXXX)
        if [ -f .env ]; then
            ended_lines .env > "$TEMPORARY"
        else
            say "# Written by bootstrap.sh, which adds what is missing and changes nothing. README.md lists what else may stand here." > "$TEMPORARY"
        fi
        for name in $missing; do
            # Apart from its use, so that a failure ends the run.
            made=$(invented "$name")
            printf '%s=%s\n' "$name" "$made" >> "$TEMPORARY"
        done
        chmod 600 "$TEMPORARY"
        mv "$TEMPORARY" .env
        TEMPORARY=
        # shellcheck disable=SC2086 # names without blanks
        say "wrote to .env:" $missing
    fi
    # Also where somebody made it by hand.
    chmod 600 .env
    domain=$(value DEZKY_DOMAIN)
    printf '%s' "$domain" | grep -Eq '^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+$' ||
        fail "DEZKY_DOMAIN in .env is \`$domain\`, which is no domain of two labels or more, such as dezky.local"
}

# --- Certificate ---

# True if there is a certificate for the domain, of mkcert's present authority, that does not end soon.
certified() {
    local domain
    domain=$(value DEZKY_DOMAIN)
    [ -s certs/ca/root.pem ] && [ -s certs/tls/key.pem ] && [ -s certs/tls/certificate.pem ] || return 1
    cmp -s certs/ca/root.pem "$(mkcert -CAROOT)/rootCA.pem" || return 1
    openssl x509 -in certs/tls/certificate.pem -noout -checkend $((CERTIFICATE_DAYS * 86400)) > /dev/null || return 1
    openssl x509 -in certs/tls/certificate.pem -noout -text | grep -Fq "DNS:*.$domain, DNS:*.chat.$domain" || return 1
    openssl verify -CAfile certs/ca/root.pem certs/tls/certificate.pem > /dev/null 2>&1
}

certificate() {
    local domain
    domain=$(value DEZKY_DOMAIN)
    if certified; then return; fi
    # Makes the authority where there is none, and asks for a password itself where the system wants one.
    if confirm "let browsers on this machine trust certificates of mkcert's authority (mkcert -install)?"; then
        mkcert -install
    else
        note "not installed: browsers will warn until you run mkcert -install"
    fi
    TEMPORARY=$(mktemp -d ./certs.XXXXXX)
    mkcert -cert-file "$TEMPORARY/certificate.pem" -key-file "$TEMPORARY/key.pem" "$domain" "*.$domain" "*.chat.$domain"
    cp "$(mkcert -CAROOT)/rootCA.pem" "$TEMPORARY/root.pem"
    # All containers read the authority's certificate, and Traefik alone the key.
    chmod 644 "$TEMPORARY/certificate.pem" "$TEMPORARY/root.pem"
    chmod 600 "$TEMPORARY/key.pem"
    mkdir -p certs/ca certs/tls
    chmod 755 certs certs/ca
    chmod 700 certs/tls
    # Files and not folders, which running containers have mounted. `root.pem` goes first and comes last: without it nothing is
    # taken for complete.
    rm -f certs/ca/root.pem
    mv "$TEMPORARY/certificate.pem" "$TEMPORARY/key.pem" certs/tls/
    mv "$TEMPORARY/root.pem" certs/ca/
    rm -rf "$TEMPORARY"
    TEMPORARY=
    # A running Traefik reads its rules again, and the certificate with them.
    touch traefik/rules.yaml
    say "made a certificate for $domain, *.$domain and *.chat.$domain"
}

# --- /etc/hosts ---

# The names of ours that a file of hosts lacks.
unknown_to() {
    host_names | awk -v file="$1" '
        BEGIN {
            while ((getline line < file) > 0) {
                sub(/#.*/, "", line)
                count = split(line, part)
                for (i = 2; i <= count; i++) known[part[i]] = 1
            }
        }
        !($1 in known)'
}

# The lines to add for some names.
host_lines() {
    echo "127.0.0.1 $* $MARK"
    # macOS asks the network for the IPv6 address of a name in .local, and waits for five seconds, unless it is here.
    [ "$PLATFORM" != macos ] || echo "::1 $* $MARK"
}

hosts() {
    local missing windows=/mnt/c/Windows/System32/drivers/etc/hosts
    if [ "$HOSTS" = no ]; then return; fi
    missing=$(unknown_to "$HOSTS_FILE")
    if [ -n "$missing" ]; then
        # shellcheck disable=SC2086 # names without blanks
        missing=$(host_lines $missing)
        say "$HOSTS_FILE lacks:" && say "$missing"
        if confirm "add this to $HOSTS_FILE?"; then
            printf '%s\n' "$missing" | as_root tee -a "$HOSTS_FILE" > /dev/null
        else
            note "not added: browsers on this machine will not find these hosts"
        fi
    fi
    if [ "$PLATFORM" = wsl ]; then
        windows=${DEZKY_WINDOWS_HOSTS_FILE:-$windows}
        if [ ! -r "$windows" ] || [ -n "$(unknown_to "$windows")" ]; then
            say "browsers on Windows need the same. In PowerShell as administrator:"
            # shellcheck disable=SC2046 # names without blanks
            say "  Add-Content C:\\Windows\\System32\\drivers\\etc\\hosts '$(host_lines $(host_names))'"
            say "and for certificates, here: certutil.exe -user -addstore Root \"\$(wslpath -w $PWD/certs/ca/root.pem)\""
        fi
    fi
}

# --- Images ---

# The image that is built from others here, and not pulled.
COMBINED=localhost/dezky/with-component

# The image with the component, which is in no service by itself.
component() {
    local image version
    image=$(value DEZKY_COMPONENT_IMAGE)
    version=$(value DEZKY_VERSION)
    echo "${image:-localhost/dezky/component}:${version:-latest}"
}

# Builds images that are in no registry, from this working tree.
build() {
    local image names='' version registry="or name those of a registry in .env (DEZKY_IMAGE, DEZKY_PORTAL_IMAGE, DEZKY_COMPONENT_IMAGE, DEZKY_VERSION)"
    version=$(value DEZKY_VERSION)
    version=${version:-latest}
    for image in "$@"; do
        case $image in
            localhost/dezky/dezky:"$version" | localhost/dezky/dezky-portal:"$version" | localhost/dezky/component:"$version")
                image=${image#localhost/dezky/}
                names="$names ${image%:*}"
                ;;
            *) fail "$image is not here, and nothing here builds it: $registry" ;;
        esac
    done
    note "these images are not here: $*"
    if [ "$PLATFORM" = macos ]; then
        fail "Linux builds them: on a machine with the processor of this one, run infrastructure/images/local.sh --tag $version --into FOLDER$names, and here docker load --input with each archive; $registry"
    fi
    confirm "build them now? It takes as long as a release (infrastructure/images/local.sh)" ||
        fail "run infrastructure/images/local.sh --tag $version$names, $registry"
    # shellcheck disable=SC2086 # names without blanks
    ../images/local.sh --tag "$version" $names
}

images() {
    local image number=0 all missing=
    all=$({ compose config --images | grep -v "^$COMBINED:" && component; } | sort -u)
    for image in $all; do
        number=$((number + 1))
        if docker image inspect "$image" > /dev/null 2>&1; then continue; fi
        case $image in
            # Built on this machine.
            localhost/*) missing="$missing $image" ;;
            *)
                # shellcheck disable=SC2086 # images without blanks
                say "pulling $image ($number of $(set -- $all && echo $#))"
                docker pull --quiet "$image" > /dev/null
                ;;
        esac
    done
    # shellcheck disable=SC2086 # images without blanks
    [ -z "$missing" ] || build $missing
    compose build --quiet dezky
}

# Writes the digest of each image to .env for which there is none.
pin() {
    local repository name digest image all
    ended_lines .env > .env.pinned && chmod 600 .env.pinned && mv .env.pinned .env
    all=$(compose config --images | sort -u)
    sed -n 's/^ *image: \([^$:]*\):.*\${\([A-Z_]*_DIGEST\):+@}.*/\1 \2/p' ./*.yaml | sort -u | while read -r repository name; do
        [ -z "$(value "$name")" ] || continue
        image=$(printf '%s\n' "$all" | grep -F "$repository:" | head -n 1)
        # One of a profile that is not in use.
        [ -n "$image" ] || continue
        digest=$(docker image inspect --format '{{index .RepoDigests 0}}' "$image" 2> /dev/null) || digest=
        case $digest in *@sha256:*) ;; *) fail "$image has no digest: it did not come from a registry" ;; esac
        printf '%s=%s\n' "$name" "${digest#*@}" >> .env
        say "pinned $image"
    done
}

# --- Start ---

# Starts services, and waits until they are healthy.
start() {
    local what=$1
    shift
    say "starting $what"
    if ! compose up --detach --wait --wait-timeout 600 "$@"; then
        compose ps --all >&2
        fail "$what did not get healthy. \`docker compose logs\` with the names of services above tells why; then run this again"
    fi
}

# The blueprints that are applied, as Authentik's worker sees them; the first one makes what the others refer to.
blueprints() {
    echo dezky/portal.yaml
    (cd ../authentik/blueprints && grep -RL 'instantiate: "false"' .) | sed 's,^\./,dezky/,' | grep -vx dezky/portal.yaml | sort
}

# Passes text on with the names of secrets in the place of their values.
without_secrets() {
    awk '
        BEGIN {
            count = 0
            while ((getline line < ".env") > 0) {
                at = index(line, "=")
                if (length(line) - at >= 32) { name[count] = substr(line, 1, at - 1); secret[count++] = substr(line, at + 1) }
            }
        }
        {
            for (i = 0; i < count; i++)
                while (at = index($0, secret[i])) $0 = substr($0, 1, at - 1) "(" name[i] ")" substr($0, at + length(secret[i]))
            print
        }'
}

# Applies blueprints until Authentik has all that they refer to. By itself it would try again after an hour.
configure() {
    local tries=0 log
    say "setting up Authentik"
    # shellcheck disable=SC2046 # paths without blanks
    until log=$(compose exec -T authentik-worker ak apply_blueprint $(blueprints) 2>&1 < /dev/null); do
        tries=$((tries + 1))
        if [ "$tries" -ge "$PATIENCE" ]; then
            # It quotes what a blueprint sets.
            printf '%s\n' "$log" | without_secrets >&2
            fail "Authentik refuses the blueprints of infrastructure/authentik, as it says above"
        fi
        sleep 2
    done
}

# Asks an address until it answers with success, through Traefik and its certificate.
wait_for() {
    local what=$1 host=$2 path=$3 tries=0 domain
    domain=$(value DEZKY_DOMAIN)
    say "waiting for $what"
    until curl --silent --fail --output /dev/null --max-time 5 --cacert certs/ca/root.pem --resolve "$host.$domain:443:${DEZKY_BIND_ADDRESS}" "https://$host.$domain$path"; do
        tries=$((tries + 1))
        [ "$tries" -lt "$PATIENCE" ] || fail "https://$host.$domain$path does not answer: docker compose logs tells why; then run this again"
        sleep 2
    done
}

next_steps() {
    local domain
    domain=$(value DEZKY_DOMAIN)
    cat << END

The platform runs.

  https://app.$domain        the portal: sign in as \`owner\`, with FIRST_PASSWORD of $PWD/.env
  https://$FIRST_TENANT.$domain      the launcher of the first tenant
  https://api.$domain        the API (https://api.$domain/openapi.json)
  https://auth.$domain       Authentik: \`akadmin\`, with AUTHENTIK_ADMIN_PASSWORD
  https://files.$domain      ownCloud Infinite Scale: the same people as the portal
  https://mail.$domain       Stalwart: \`admin\`, with STALWART_PASSWORD
  https://traefik.$domain    Traefik's dashboard

  docker compose logs -f dezky worker        what Dezky does           (in $PWD)
  docker compose run --rm dezky doctor       what is wrong, and what to do
  docker compose stop                        stop it; this script starts it again
  ./reset.sh                                 remove it with its data

After a new tenant, add its slug to DEZKY_TENANTS in .env (with commas) and run this again: /etc/hosts knows no wildcards.
END
}

PLATFORM=$(platform)

if [ "$CHECK" = yes ]; then
    wrong=0
    prerequisites || wrong=1
    names=$(missing_names)
    # shellcheck disable=SC2086 # names without blanks
    [ -z "$names" ] || { say ".env lacks:" $names && wrong=1; }
    if [ -n "$(value DEZKY_DOMAIN)" ]; then
        { command -v mkcert > /dev/null && certified; } || { say "certs/ lacks a certificate" && wrong=1; }
        if [ "$HOSTS" = yes ]; then
            # shellcheck disable=SC2046 # names without blanks
            [ -z "$(unknown_to "$HOSTS_FILE")" ] || { say "$HOSTS_FILE lacks:" $(unknown_to "$HOSTS_FILE") && wrong=1; }
        fi
    fi
    [ "$wrong" = 1 ] || say "nothing is missing"
    exit "$wrong"
fi

prerequisites || fail "install what is missing, then run this again"
umask 077
environment
certificate
hosts
DEZKY_BIND_ADDRESS=$(value DEZKY_BIND)
case $DEZKY_BIND_ADDRESS in '' | 0.0.0.0) DEZKY_BIND_ADDRESS=127.0.0.1 ;; esac
images
[ "$PIN" = no ] || pin
start "databases and Traefik" mongodb authentik-database traefik
start "Authentik" authentik authentik-worker
configure
wait_for "Authentik's blueprints" auth /application/o/dezky-portal/.well-known/openid-configuration
start "mail, files and documents" stalwart ocis collabora collaboration
start "Dezky" dezky worker portal
start "what else is in use"
compose run --rm --no-deps dezky seed
wait_for "Dezky" api /readyz
wait_for "the portal" app /healthz
next_steps
