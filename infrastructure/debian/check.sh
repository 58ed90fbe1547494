#!/usr/bin/env bash
# Checks the Debian package: the confinement of its units, its scripts, lintian, an installation into a folder, and the release with the
# settings that it brings.
# shellcheck source=infrastructure/checks.sh
source "$(dirname "$0")/../checks.sh"

need lintian systemd-analyze:systemd readelf:binutils cc:gcc
need_release
# dpkg makes a user and files of others, in a folder.
become=()
[ "$EUID" = 0 ] || become=(sudo env HOME="$HOME" PATH="$PATH" PYTHONPATH="$PYTHONPATH" PYTHONDONTWRITEBYTECODE=1 DEZKY_TEST_BINARY="$DEZKY_TEST_BINARY")
"${become[@]}" python3 "${discover[@]}" infrastructure/debian/tests
