#!/usr/bin/env bash
# Backs parts of the platform up into every repository: backup.sh PART|SET...
#
# Parts are dezky, authentik, ocis, stalwart and configuration; the sets `hourly` and `nightly` are named in the settings. Each part is
# first copied as it was at one moment into a folder of this machine and checked there, and then stored by restic as a snapshot with
# the part's name as its tag. What fails keeps nothing else from being backed up; the exit code is then 1.
set -euo pipefail
# shellcheck source=infrastructure/backup/common.sh
source "$(dirname "$(realpath "$0")")/common.sh"

# SQLite copies what one transaction sees. Writers go on meanwhile, and the copy has no holes and no log beside it.
copy_sqlite() {
    [ -f "$1" ] || fail "there is no SQLite file at $1"
    sqlite3 "$1" '.timeout 10000' "VACUUM INTO '${2//\'/\'\'}'" || return 1
    local found
    found=$(sqlite3 -readonly "file:$2?immutable=1" 'PRAGMA integrity_check(1)')
    [ "$found" = ok ] || fail "the copy of $1 is damaged: $found"
}

# Copies paths as they are named, patterns included, below a folder: copy_paths TARGET PATHS
copy_paths() {
    local path
    # shellcheck disable=SC2086 # words and patterns
    for path in $2; do
        [ -e "$path" ] || fail "there is no $path"
        mkdir -p "$1$(dirname "$path")"
        # On XFS and btrfs the copy shares its blocks with the original and takes seconds.
        cp --archive --reflink=auto "$path" "$1$path"
    done
}

# Copies folders while what writes them is stopped, and starts that again whatever happens: copy_stopped TARGET PATHS STOP START
copy_stopped() (
    if [ -n "$3" ]; then
        start=$4
        trap 'bash -c "$start"' EXIT
        bash -c "$3"
    fi
    copy_paths "$1" "$2"
)

stage_dezky() {
    local target=$1 store=${BACKUP_DEZKY_STORE:-} begun
    # As in Dezky's own setting, so that both can name the same file.
    case $store in file:*) store=$(cat "${store#file:}") ;; esac
    # Before the store, so that no end of a chain in it is later than the copy of the store.
    if [ -n "${BACKUP_DEZKY_HEADS:-}" ]; then cp "$BACKUP_DEZKY_HEADS" "$target/heads.jsonl"; fi
    begun=$(date -u +%Y-%m-%dT%H:%M:%SZ)
    case $store in
    sqlite:*) copy_sqlite "${store#sqlite:}" "$target/dezky.sqlite" ;;
    mongodb*)
        if [ -n "${BACKUP_DEZKY_DUMP:-}" ]; then
            bash -c "$BACKUP_DEZKY_DUMP" >"$target/dezky.mongodump"
            whole_mongodump "$target/dezky.mongodump"
        else
            copy_mongodb "$store" "$target/dezky.sqlite"
        fi
        ;;
    *) fail "BACKUP_DEZKY_STORE must be sqlite:PATH, mongodb://…, or file:PATH of a file that has it" ;;
    esac
    local file rows=null
    for file in "$target"/dezky.*; do break; done
    case $file in *.sqlite) rows=$(count_rows "$file") ;; esac
    printf '{"consistentSince": "%s", "file": "%s", "sha256": "%s", "release": "%s", "rows": %s}\n' "$begun" "$(basename "$file")" \
        "$(sha256sum "$file" | cut -d ' ' -f 1)" "$("$BACKUP_DEZKY" --version | cut -d ' ' -f 2)" "$rows" >"$target/manifest.json"
}

# The release's own copy of a MongoDB database, which compares both sides afterwards and refuses one that was written meanwhile. The URI
# may have a password, which no argument of a process should.
copy_mongodb() {
    local attempt
    for attempt in 1 2 3; do
        rm -f "$2"*
        if env -u DEZKY_STORE "$BACKUP_DEZKY" migrate --from file:/dev/fd/3 --to "sqlite:$2" 3<<<"$1" >"$BACKUP_STATE/copy.log" 2>&1; then
            sqlite3 "$2" 'PRAGMA journal_mode = DELETE' >/dev/null
            return 0
        fi
        note "copy $attempt of MongoDB: $(tail -n 1 "$BACKUP_STATE/copy.log")"
    done
    fail "the database could not be copied as of one moment: set BACKUP_DEZKY_DUMP to a mongodump with --oplog"
}

# An archive that was cut off does not end as mongodump ends it. A dump that fails says so by its exit code as well.
whole_mongodump() {
    local first last
    first=$(head -c 4 "$1" | od -An -tx1 | tr -d ' ')
    last=$(tail -c 4 "$1" | od -An -tx1 | tr -d ' ')
    [ "$first $last" = "6de29981 ffffffff" ] || fail "BACKUP_DEZKY_DUMP wrote no whole archive of mongodump"
}

stage_authentik() {
    bash -c "${BACKUP_AUTHENTIK_DUMP:?is not set}" >"$1/authentik.pgdump"
    # Reads the whole archive, so that one that was cut off is found now.
    bash -c "${BACKUP_AUTHENTIK_VERIFY:-pg_restore --file=/dev/null}" <"$1/authentik.pgdump"
    if [ -n "${BACKUP_AUTHENTIK_MEDIA:-}" ]; then cp --archive "$BACKUP_AUTHENTIK_MEDIA" "$1/media"; fi
}

stage_ocis() {
    copy_stopped "$1" "${BACKUP_OCIS_FOLDERS:?is not set}" "${BACKUP_OCIS_STOP:-}" "${BACKUP_OCIS_START:-true}"
}

stage_stalwart() {
    copy_stopped "$1" "${BACKUP_STALWART_FOLDERS:?is not set}" "${BACKUP_STALWART_STOP:-}" "${BACKUP_STALWART_START:-true}"
}

stage_configuration() {
    copy_paths "$1" "${BACKUP_CONFIGURATION:?is not set}"
    if [ -n "${BACKUP_CONFIGURATION_DUMP:-}" ]; then bash -c "$BACKUP_CONFIGURATION_DUMP" >"$1/dump"; fi
}

# Copies a part and stores the copy in each repository; what goes wrong in one repository does not keep the others from it.
back_up() (
    local part=$1 target=$BACKUP_STAGING/$1 file name status=0 begun=$SECONDS
    # A copy of before may be cut off: an interrupted run leaves it.
    rm -rf "$target"
    mkdir -p "$target"
    "stage_$part" "$target"
    while read -r file; do
        name=$(basename "$file" .env)
        if in_repository "$file" restic backup --quiet --host "$BACKUP_HOST" --tag "$part" "$target"; then
            record dezky_backup_last_success_timestamp_seconds "part=\"$part\",repository=\"$name\"" "$(date +%s)"
        else
            note "$part was not stored in $name"
            status=1
        fi
    done < <(repositories)
    record dezky_backup_duration_seconds "part=\"$part\"" $((SECONDS - begun))
    # The repositories have it; a copy in clear is of no more use here.
    rm -rf "$target"
    exit "$status"
)

main() {
    [ $# -gt 0 ] || fail "name parts or sets: dezky, authentik, ocis, stalwart, configuration, hourly, nightly"
    read_settings
    repositories >/dev/null
    exec 9>"$BACKUP_STATE/lock"
    flock --wait "${BACKUP_WAIT:-7200}" 9 || fail "another backup has been running for too long"
    local word part parts=() failed=()
    for word in "$@"; do
        case $word in
        hourly) read -ra parts <<<"${parts[*]} ${BACKUP_HOURLY:?is not set}" ;;
        nightly) read -ra parts <<<"${parts[*]} ${BACKUP_NIGHTLY:?is not set}" ;;
        *) parts+=("$word") ;;
        esac
    done
    for part in "${parts[@]}"; do
        declare -F "stage_$part" >/dev/null || fail "there is no part $part"
    done
    for part in "${parts[@]}"; do
        # In a process of its own: in a condition, bash would go on after a command that failed.
        if "$BASH" "$0" --one "$part" 9>&-; then note "$part is backed up"; else failed+=("$part"); fi
    done
    [ ${#failed[@]} -eq 0 ] || fail "not backed up everywhere: ${failed[*]}"
}

# Starts what a backup that was killed has left stopped; to start what runs does nothing.
resume() {
    local start
    for start in "${BACKUP_OCIS_START:-true}" "${BACKUP_STALWART_START:-true}"; do bash -c "$start"; done
}

case ${1:-} in
--one)
    read_settings
    back_up "$2"
    ;;
--resume)
    read_settings
    resume
    ;;
*) main "$@" ;;
esac
