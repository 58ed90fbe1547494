#!/usr/bin/env bash
# Removes the platform from this machine: reset.sh [--all] [--yes]
#
#   --all   also .env (all secrets), certs/ and the lines in /etc/hosts
#   --yes   do not ask
#
# Names everything first. Images and mkcert's authority stay: others may use them.
set -euo pipefail
cd "$(dirname "$0")"
# shellcheck source=infrastructure/compose/shared.sh
source ./shared.sh

ALL=no YES=no
for argument in "$@"; do
    case $argument in
        --all) ALL=yes ;;
        --yes) YES=yes ;;
        -h | --help)
            sed -n '2,/^set /s/^# \{0,1\}//p' "$0"
            exit 0
            ;;
        *) fail "\`$argument\` is not an option: see --help" ;;
    esac
done

PROJECT=$(sed -n 's/^name: //p' compose.yaml)
OURS="label=com.docker.compose.project=$PROJECT"

command -v docker > /dev/null || fail "docker is missing"
# By their label, so that they are found without .env, and those of a profile that is not in use any more, too.
containers=$(docker ps --all --quiet --filter "$OURS") || fail "the container engine does not answer: start it (docker info)"
names=$(docker ps --all --format '{{.Names}}' --filter "$OURS")
volumes=$(docker volume ls --quiet --filter "$OURS")
networks=$(docker network ls --format '{{.Name}}' --filter "$OURS")
lines=
files=
if [ "$ALL" = yes ]; then
    lines=$(grep -F "$MARK" "$HOSTS_FILE" || true)
    for file in .env certs; do
        [ ! -e "$file" ] || files="$files $file"
    done
fi

if [ -z "$containers$volumes$networks$lines$files" ]; then
    say "there is nothing to remove"
    exit 0
fi

# One name a line, under a title.
list() {
    local title=$1
    shift
    [ $# = 0 ] || { say "$title:" && printf '  %s\n' "$@"; }
}
say "This will be removed for ever:"
# shellcheck disable=SC2086 # names without blanks
{
    list "data (volumes)" $volumes
    list "containers" $names
    list "networks" $networks
    list "files in $PWD" $files
}
[ -z "$lines" ] || { say "lines of $HOSTS_FILE:" && printf '%s\n' "$lines" | sed 's/^/  /'; }
confirm "remove all of it?" || {
    note "nothing was removed"
    exit 1
}

# shellcheck disable=SC2086 # names without blanks
{
    [ -z "$containers" ] || docker rm --force $containers > /dev/null
    [ -z "$networks" ] || docker network rm $networks > /dev/null
    [ -z "$volumes" ] || docker volume rm $volumes > /dev/null
}
if [ -n "$lines" ]; then
    remaining=$(mktemp "${TMPDIR:-/tmp}/dezky-hosts.XXXXXX")
    trap 'rm -f "$remaining"' EXIT
    grep -vF "$MARK" "$HOSTS_FILE" > "$remaining" || true
    # Into the same file, which may be a mount or have rights of its own.
    as_root tee "$HOSTS_FILE" < "$remaining" > /dev/null
fi
# Last, so that an interrupted run finds everything again.
# shellcheck disable=SC2086
[ -z "$files" ] || rm -rf $files
say "removed"
