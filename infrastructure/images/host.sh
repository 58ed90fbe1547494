#!/usr/bin/env bash
# Builds the image of hosts and workers from a static binary, and prints its digest: host.sh BINARY ARCHIVE
#
# BINARY is what binary.sh prints; it must be static, since there is nothing else in the image but the authorities that TLS is checked
# with. ARCHIVE is the OCI archive that is written.
set -euo pipefail
program=host.sh
# shellcheck source=infrastructure/images/image.sh
source "$(dirname "$0")/image.sh"

[ $# -eq 2 ] || refuse "usage: host.sh BINARY ARCHIVE" 2
if [ ! -f "$1" ] || [ ! -x "$1" ]; then
    refuse "\`$1\` is no program: build one with binary.sh" 2
fi
need readelf binutils
headers=$(readelf --program-headers --dynamic "$1" 2>/dev/null) || refuse "\`$1\` is no program of Linux (ELF)" 2
if grep -qE 'INTERP|\(NEEDED\)' <<<"$headers"; then
    refuse "\`$1\` needs libraries that the image does not have: build a static one with binary.sh" 2
fi

begin_image
add_system
install -m 0755 "$1" "$root/dezky"
add_notices binary
write_image "$2" dezky --entrypoint '["/dezky"]' --cmd serve --port 8080 --port 9090
