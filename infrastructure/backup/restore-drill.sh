#!/usr/bin/env bash
# Restores the last backup from each repository into a scratch folder and proves that it is a platform: restore-drill.sh [PART...]
#
# Without arguments the parts of BACKUP_DRILL_PARTS, else dezky. For dezky: the file is the one that was backed up, every table has
# its rows, the audit trail is as it was sealed, and the release starts and answers on it. Nothing outside of the scratch folder is
# changed: the release runs without its systems, its background tasks and its mail. Prints how old the backup was and how long the
# restoration took, and fails if either is more than BACKUP_DRILL_MAXIMUM_AGE or BACKUP_DRILL_MAXIMUM_SECONDS.
set -euo pipefail
# shellcheck source=infrastructure/backup/common.sh
source "$(dirname "$(realpath "$0")")/common.sh"

# Prints a member of a manifest.
manifest() {
    jq --exit-status --raw-output "$2" "$1/manifest.json"
}

# Sets the words that run the release with no setting but its store: nothing of this machine's configuration, so that no real
# system is reached. (A function would be a shell of its own in the background, and a signal would end that one alone.)
use_store() {
    release=(env --ignore-environment --chdir "$scratch" PATH="$PATH" DEZKY_TASKS=none DEZKY_STORE="$1" DEZKY_LISTEN=127.0.0.1:0
        DEZKY_OPERATIONS_LISTEN=127.0.0.1:0 DEZKY_OIDC_ISSUER="${BACKUP_DRILL_ISSUER:-http://127.0.0.1:9/}"
        DEZKY_OIDC_AUDIENCE=restore-drill "$BACKUP_DEZKY")
}

# Restores the last snapshot of a part into the scratch folder and prints where it is.
restored() {
    in_repository "$file" restic restore latest --quiet --verify --host "$BACKUP_HOST" --tag "$1" --target "$scratch/$1" >&2
    [ -d "$scratch/$1$BACKUP_STAGING/$1" ] || fail "the snapshot of $1 in $name is of another staging folder than $BACKUP_STAGING"
    printf '%s\n' "$scratch/$1$BACKUP_STAGING/$1"
}

# Waits until a file has a line that matches, and prints the first match.
await() {
    local deadline=$((SECONDS + 60))
    until grep --only-matching --max-count 1 --extended-regexp "$2" "$1" 2>/dev/null; do
        [ "$SECONDS" -lt "$deadline" ] || fail "no line of $1 matches $2: $(tail -n 3 "$1" 2>/dev/null)"
        kill -0 "$server" 2>/dev/null || fail "the release ended: $(tail -n 3 "$1")"
        sleep 0.1
    done
}

# Starts the release on the restored store, asks it, and ends it.
answers() {
    local log=$scratch/serve.log address operations ready
    "${release[@]}" serve >"$log" 2>&1 &
    server=$!
    address=$(await "$log" 'listening address=127.0.0.1:[0-9]+' | grep -o '127.*')
    operations=$(await "$log" 'readiness are told address=127.0.0.1:[0-9]+' | grep -o '127.*')
    # Keys of the issuer are not of the backup: everything else must be ready.
    ready=$(curl --silent --show-error --max-time 10 "http://$operations/readyz" \
        | jq --raw-output '[.notReady[] | select(.what | startswith("issuer") | not) | .what + ": " + .why] | join("; ")')
    [ -z "$ready" ] || fail "the release is not ready on the restored store: $ready"
    [ "$(curl --silent --max-time 10 "http://$address/users/me" | jq --raw-output .code)" = token_missing ] \
        || fail "the release does not answer on the restored store"
    kill "$server"
    wait "$server" || fail "the release ended with an error: $(tail -n 1 "$log")"
    server=
}

drill_dezky() {
    local folder kept trail begun=$SECONDS started heads=() age rows
    started=$(date +%s)
    folder=$(restored dezky)
    kept=$folder/$(manifest "$folder" .file)
    [ "$(sha256sum "$kept" | cut -d ' ' -f 1)" = "$(manifest "$folder" .sha256)" ] || fail "$kept is not what was backed up"
    case $kept in
    *.sqlite)
        rows=$(count_rows "$kept")
        [ "$(jq --sort-keys --compact-output . <<<"$rows")" = "$(jq --sort-keys --compact-output .rows "$folder/manifest.json")" ] \
            || fail "tables have other rows than were backed up"
        use_store "sqlite:$kept"
        ;;
    *)
        # Must restore the archive on its standard input into an empty scratch database and print the URI of that.
        use_store "$(bash -c "${BACKUP_DRILL_MONGODB:?is not set}" <"$kept")"
        ;;
    esac
    if [ -s "$folder/heads.jsonl" ]; then heads=(--heads "$folder/heads.jsonl"); fi
    trail=$("${release[@]}" audit verify --json "${heads[@]}") || fail "the audit trail is not as it was sealed: $trail"
    [ "$("${release[@]}" tenant list --all --json | wc -l)" -gt 0 ] || fail "the restored store has no tenant"
    answers
    age=$((started - $(date --date "$(manifest "$folder" .consistentSince)" +%s)))
    local seconds=$((SECONDS - begun))
    printf '%s: dezky: restored in %d s (recovery time), %d s old (recovery point), %s events of %s chains as they were sealed, %s ends compared, release %s\n' \
        "$name" "$seconds" "$age" "$(jq .events <<<"$trail")" "$(jq .chains <<<"$trail")" "$(jq .heads <<<"$trail")" "$(manifest "$folder" .release)"
    record dezky_backup_drill_recovery_seconds "repository=\"$name\"" "$seconds"
    record dezky_backup_drill_age_seconds "repository=\"$name\"" "$age"
    [ "$age" -le "${BACKUP_DRILL_MAXIMUM_AGE:-7200}" ] || fail "the last backup in $name is $age s old"
    [ "$seconds" -le "${BACKUP_DRILL_MAXIMUM_SECONDS:-900}" ] || fail "the restoration took $seconds s"
}

drill_authentik() {
    local folder told
    folder=$(restored authentik)
    if [ -n "${BACKUP_DRILL_POSTGRES:-}" ]; then
        # Must restore the archive on its standard input into a scratch database, and print what it found there.
        told=$(bash -c "$BACKUP_DRILL_POSTGRES" <"$folder/authentik.pgdump")
    else
        bash -c "${BACKUP_AUTHENTIK_VERIFY:-pg_restore --file=/dev/null}" <"$folder/authentik.pgdump"
        told='the archive is whole; it was not loaded, since BACKUP_DRILL_POSTGRES is not set'
    fi
    printf '%s: authentik: %s\n' "$name" "$told"
}

# Of the other parts restic compares every restored byte with what was stored; nothing of theirs is started.
drill_files() {
    local folder
    folder=$(restored "$1")
    printf '%s: %s: %s files restored and compared\n' "$name" "$1" "$(find "$folder" -type f | wc -l)"
}

drill() {
    for part in "${parts[@]}"; do
        case $part in
        dezky | authentik) "drill_$part" ;;
        ocis | stalwart | configuration) drill_files "$part" ;;
        *) fail "there is no part $part" ;;
        esac
    done
    record dezky_backup_drill_last_success_timestamp_seconds "repository=\"$name\"" "$(date +%s)"
}

clean_up() {
    [ -z "$server" ] || kill "$server" 2>/dev/null || true
    rm -rf "$scratch"
}

if [ "${1:-}" = --one ]; then
    read_settings
    file=$2 name=$(basename "$2" .env) server=''
    shift 2
    parts=("$@")
    scratch=$(mktemp -d "${BACKUP_SCRATCH:-${TMPDIR:-/tmp}}/restore-drill.XXXXXX")
    trap clean_up EXIT
    trap 'exit 143' TERM INT HUP
    drill
    exit
fi

read_settings
read -ra parts <<<"${*:-${BACKUP_DRILL_PARTS:-dezky}}"
status=0
while read -r file; do
    # In a process of its own: in a condition, bash would go on after a command that failed.
    "$BASH" "$0" --one "$file" "${parts[@]}" </dev/null || { status=1 && note "$(basename "$file" .env) did not pass"; }
done < <(repositories)
[ "$status" -eq 0 ] || fail "a backup could not be restored"
