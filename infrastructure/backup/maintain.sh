#!/usr/bin/env bash
# Removes what no snapshot needs any more from every repository, and reads a part of the rest back: maintain.sh
set -euo pipefail
# shellcheck source=infrastructure/backup/common.sh
source "$(dirname "$(realpath "$0")")/common.sh"

read_settings
status=0
while read -r file; do
    name=$(basename "$file" .env)
    # Locks of processes that are gone; those of living ones stay.
    if in_repository "$file" restic unlock --quiet && in_repository "$file" restic prune --quiet \
        && in_repository "$file" restic check --quiet --read-data-subset "${BACKUP_READ_BACK:-5%}"; then
        record dezky_backup_check_last_success_timestamp_seconds "repository=\"$name\"" "$(date +%s)"
    else
        note "$name is damaged or cannot be reached"
        status=1
    fi
done < <(repositories)
exit "$status"
