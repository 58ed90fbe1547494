# Shared by backup.sh, maintain.sh and restore-drill.sh: settings, repositories and metrics. Sourced, not run.
# shellcheck shell=bash

note() {
    printf '%s: %s\n' "$(basename "$0")" "$*" >&2
}

fail() {
    note "$@"
    exit 1
}

# Reads the settings, and makes what is written from here on readable for its owner only.
read_settings() {
    umask 077
    local settings=${BACKUP_SETTINGS:-/etc/dezky/backup/backup.env}
    [ -r "$settings" ] || fail "there are no settings at $settings: copy backup.env.example there"
    # shellcheck source=/dev/null
    source "$settings"
    : "${BACKUP_REPOSITORIES:=/etc/dezky/backup/repositories}" "${BACKUP_HOST:=dezky}"
    : "${BACKUP_STAGING:=/var/lib/dezky-backup/staging}" "${BACKUP_STATE:=/var/lib/dezky-backup/state}"
    : "${BACKUP_DEZKY:=dezky}"
    mkdir -p "$BACKUP_STAGING" "$BACKUP_STATE"
}

# Prints the file of each repository.
repositories() {
    local file found=
    for file in "$BACKUP_REPOSITORIES"/*.env; do
        [ -e "$file" ] || continue
        found=yes
        printf '%s\n' "$file"
    done
    [ -n "$found" ] || fail "there is no repository in $BACKUP_REPOSITORIES: see repository.env.example"
}

# Runs a command in the environment of a repository: in_repository FILE COMMAND [ARGUMENT...]
in_repository() (
    set -a
    # shellcheck source=/dev/null
    source "$1"
    set +a
    shift
    : "${RESTIC_REPOSITORY:?is missing in the file of the repository}" "${RESTIC_PASSWORD_FILE:?is missing in the file of the repository}"
    # A password that others can read protects nothing; and restic would ask for one that is missing.
    [ -r "$RESTIC_PASSWORD_FILE" ] || fail "$RESTIC_PASSWORD_FILE cannot be read"
    [ -z "$(find -L "$RESTIC_PASSWORD_FILE" -perm /077)" ] || fail "$RESTIC_PASSWORD_FILE can be read by others: chmod 600"
    "$@" </dev/null
)

# Keeps one fact, such as the time of the last success, and writes all of them for the textfile collector of Prometheus'
# node exporter: record METRIC LABELS VALUE
record() {
    printf '%s{%s} %s\n' "$1" "$2" "$3" >"$BACKUP_STATE/$1-$(printf '%s' "$2" | tr -c 'a-z0-9\n' '-').fact"
    [ -n "${BACKUP_TEXTFILES:-}" ] || return 0
    local new
    new=$(mktemp "$BACKUP_TEXTFILES/.dezky-backup.XXXXXX")
    cat "$BACKUP_STATE"/*.fact >"$new"
    chmod 644 "$new"
    mv "$new" "$BACKUP_TEXTFILES/dezky-backup.prom"
}

# Prints rows of each table of a SQLite file as a JSON object: the proof that nothing is missing after a restore.
count_rows() {
    local table separator=
    printf '{'
    while read -r table; do
        printf '%s"%s": %s' "$separator" "$table" "$(sqlite3 -readonly "file:$1?immutable=1" "SELECT count(*) FROM \"$table\"")"
        separator=', '
    done < <(sqlite3 -readonly "file:$1?immutable=1" "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
    printf '}'
}
