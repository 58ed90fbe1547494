# shellcheck shell=bash
# Common parts of bootstrap.sh and reset.sh. Sourced, with the folder of this file as the working folder.
#
# Written for Bash 3.2, which macOS has, and for the commands of both GNU and BSD.

# shellcheck disable=SC2034 # for the scripts that source this
HOSTS_FILE=${DEZKY_HOSTS_FILE:-/etc/hosts}
# At the end of each line in /etc/hosts that is ours.
# shellcheck disable=SC2034
MARK="# dezky: infrastructure/compose"
# The slug of the tenant that Dezky creates at its first start.
FIRST_TENANT=dezky

say() { printf '%s\n' "$*"; }
note() { printf '%s\n' "$*" >&2; }
fail() {
    note "$(basename "$0"): $*"
    exit 1
}

# Asks a question that the command line may have answered with --yes. The end of the input is a no.
confirm() {
    [ "$YES" = no ] || return 0
    local answer=
    printf '%s [y/N] ' "$1" >&2
    read -r answer || true
    printf '\n' >&2
    case $answer in y | Y | yes) return 0 ;; *) return 1 ;; esac
}

# linux, macos or wsl.
platform() {
    case $(uname -s) in
        Darwin) echo macos ;;
        Linux) case $(uname -r) in *[Mm]icrosoft*) echo wsl ;; *) echo linux ;; esac ;;
        *) fail "neither macOS nor Linux: on Windows, run this inside WSL2" ;;
    esac
}

# The value of a name in .env, or nothing.
value() {
    [ ! -f .env ] || sed -n "s/^$1=//p" .env | tail -n 1
}

# Runs Compose with the values of .env only: a variable of the caller's environment would win over them.
compose() {
    (
        while IFS='=' read -r name _; do
            case $name in '' | [!A-Z]* | *[!A-Z0-9_]*) ;; *) unset "$name" ;; esac
        done < .env
        exec docker compose "$@"
    )
}

# All names that browsers need: those of `hosts`, and launchers and Zulip organisations of tenants.
host_names() {
    local domain tenants name
    domain=$(value DEZKY_DOMAIN)
    tenants=$(value DEZKY_TENANTS)
    {
        sed -e 's/#.*//' hosts | awk 'NF { print $1 }'
        echo "$FIRST_TENANT"
        echo "$FIRST_TENANT.chat"
        printf '%s\n' "$tenants" | tr "," "\n" | sed "s,[[:space:]],,g" | awk 'NF { print; print $1 ".chat" }'
    } | awk '!seen[$0]++' | while read -r name; do echo "$name.$domain"; done
}

# Runs a command as root.
as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}
