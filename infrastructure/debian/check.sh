#!/usr/bin/env bash
# Checks the Debian package: the confinement of its units, its scripts, lintian, an installation into a folder, and the binary with the
# settings that it brings. The binary is DEZKY_TEST_BINARY, or else the one for debugging, which is built.
set -euo pipefail
cd "$(dirname "$0")/../.."

for pair in shellcheck:shellcheck lintian:lintian systemd-analyze:systemd readelf:binutils cc:gcc; do
    scripts/debian-package.sh "${pair%%:*}" "${pair##*:}"
done
shellcheck infrastructure/debian/*.sh infrastructure/debian/files/{postinst,prerm,postrm}
DEZKY_TEST_BINARY=$(infrastructure/test-binary.sh)
cd infrastructure/debian/tests
# dpkg makes a user and files of others, in a folder.
become=()
[ "$EUID" = 0 ] || become=(sudo)
"${become[@]}" env PATH="$PATH" DEZKY_TEST_BINARY="$DEZKY_TEST_BINARY" PYTHONDONTWRITEBYTECODE=1 python3 -m unittest --quiet test_package
