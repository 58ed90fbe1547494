#!/usr/bin/env bash
# Forgets old snapshots of every repository, removes what no other needs, and reads a part of the rest back: maintain.sh
set -euo pipefail
# shellcheck source=infrastructure/backup/common.sh
source "$(dirname "$(realpath "$0")")/common.sh"

read_settings
status=0
while read -r file; do
    name=$(basename "$file" .env)
    # Locks of processes that are gone; those of living ones stay. Each part by itself: it has a tag.
    if in_repository "$file" restic unlock --quiet \
        && in_repository "$file" restic forget --quiet --prune --host "$BACKUP_HOST" --group-by host,tags \
            --keep-last "${BACKUP_KEEP_LAST:-4}" --keep-hourly "${BACKUP_KEEP_HOURLY:-48}" --keep-daily "${BACKUP_KEEP_DAILY:-14}" \
            --keep-weekly "${BACKUP_KEEP_WEEKLY:-8}" --keep-monthly "${BACKUP_KEEP_MONTHLY:-12}" \
        && in_repository "$file" restic check --quiet --read-data-subset "${BACKUP_READ_BACK:-5%}"; then
        record dezky_backup_check_last_success_timestamp_seconds "repository=\"$name\"" "$(date +%s)"
    else
        note "$name is damaged or cannot be reached"
        status=1
    fi
done < <(repositories)
exit "$status"
