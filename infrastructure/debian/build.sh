#!/usr/bin/env bash
# Builds the Debian package from a static binary, and prints its path: build.sh BINARY FOLDER [ARCHITECTURE]
#
# BINARY is what infrastructure/images/binary.sh prints, FOLDER where the package is written, ARCHITECTURE that of the binary (default:
# this machine's). The version is the binary's own, and notices of what others wrote in it are of this working tree. The same input makes
# the same bytes (SOURCE_DATE_EPOCH, else the time of the commit). Needs dpkg-deb, gzip and what scripts/notices.sh does; root is not needed.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

refuse() {
    echo "build.sh: $1" >&2
    exit "${2:-1}"
}

case $# in
    2 | 3) ;;
    *) refuse "usage: build.sh BINARY FOLDER [ARCHITECTURE]" 2 ;;
esac
if [ ! -f "$1" ] || [ ! -x "$1" ]; then
    refuse "\`$1\` is no program: build one with infrastructure/images/binary.sh" 2
fi
for pair in dpkg-deb:dpkg gzip:gzip readelf:binutils cargo:rustup python3:python3; do
    command -v "${pair%%:*}" >/dev/null || refuse "${pair%%:*} is missing: install the package ${pair##*:}"
done
binary=$(readlink -f "$1")
folder=$2
headers=$(readelf --program-headers --dynamic "$binary" 2>/dev/null) || refuse "\`$1\` is no program of Linux (ELF)" 2
if grep -qE 'INTERP|\(NEEDED\)' <<<"$headers"; then
    refuse "\`$1\` needs libraries that other releases of Debian may not have: build a static one with infrastructure/images/binary.sh" 2
fi
architecture=${3:-$(dpkg --print-architecture)}
# As rustc names it.
case $architecture in
    amd64) processor=x86_64 ;;
    arm64) processor=aarch64 ;;
    *) refuse "there is no recipe for the architecture \`$architecture\`" 2 ;;
esac
version=$("$binary" --version) || refuse "\`$1 --version\` fails: is it a program for this machine?" 2
version=${version#dezky }
# `1.2.0-rc.1` sorts before `1.2.0`.
version=${version/-/\~}
[[ $version =~ ^[0-9][0-9A-Za-z.+~]*$ ]] || refuse "\`$1 --version\` says no version: \`$version\`" 2
moment=${SOURCE_DATE_EPOCH:-$(git -C "$here" log -1 --format=%ct 2>/dev/null || echo 0)}
export SOURCE_DATE_EPOCH=$moment

umask 022
work=$(mktemp -d "${TMPDIR:-/tmp}/dezky-deb.XXXXXX")
trap 'rm -rf "$work"' EXIT
root=$work/dezky
put() { install -D -m "$1" "$here/files/$2" "$root/$3"; }

install -D -m 0755 "$binary" "$root/usr/bin/dezky"
put 0644 dezky.service usr/lib/systemd/system/dezky.service
put 0644 dezky-worker.service usr/lib/systemd/system/dezky-worker.service
put 0644 sysusers.conf usr/lib/sysusers.d/dezky.conf
put 0644 tmpfiles.conf usr/lib/tmpfiles.d/dezky.conf
# Has no secret as it comes; the postinst keeps it to the group.
put 0644 dezky.toml etc/dezky/dezky.toml
put 0644 component.conf usr/share/doc/dezky/examples/component.conf
put 0644 lintian-overrides usr/share/lintian/overrides/dezky

mkdir -p "$root/usr/share/man"
"$binary" man "$root/usr/share/man/man1" >&2 || refuse "\`$1 man\` fails"
gzip -9n "$root"/usr/share/man/man1/*
mkdir -p "$root/usr/share/bash-completion/completions" "$root/usr/share/zsh/vendor-completions" "$root/usr/share/fish/vendor_completions.d"
"$binary" completions bash >"$root/usr/share/bash-completion/completions/dezky"
"$binary" completions zsh >"$root/usr/share/zsh/vendor-completions/_dezky"
"$binary" completions fish >"$root/usr/share/fish/vendor_completions.d/dezky.fish"

documents=$root/usr/share/doc/dezky
{
    echo "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/"
    echo "Upstream-Name: dezky"
    echo "Comment: The program has libraries of others inside. Their names and licences are in"
    echo " /usr/share/doc/dezky/THIRD-PARTY-NOTICES.gz."
    echo
    echo "Files: *"
    sed -n 's/^Copyright (c) /Copyright: /p' "$here/../../LICENSE"
    echo "License: Expat"
    sed -e '1,/^Copyright/d' -e 's/^$/./' -e 's/^/ /' "$here/../../LICENSE" | sed '1{/^ \.$/d}'
} >"$documents/copyright"
"$here/../../scripts/notices.sh" binary "$documents/THIRD-PARTY-NOTICES" --target "$processor-unknown-linux-musl"
gzip -9n "$documents/THIRD-PARTY-NOTICES"
{
    echo "dezky ($version) unstable; urgency=medium"
    echo
    echo "  * Release $version: see the CHANGELOG of the project."
    echo
    echo " -- The Dezky authors <packages@dezky.invalid>  $(LC_ALL=C date --utc --date "@$moment" '+%a, %d %b %Y %H:%M:%S +0000')"
} | gzip -9n >"$documents/changelog.gz"

install -d "$root/DEBIAN"
for script in postinst prerm postrm; do
    install -m 0755 "$here/files/$script" "$root/DEBIAN/$script"
done
echo /etc/dezky/dezky.toml >"$root/DEBIAN/conffiles"
chmod 0644 "$root/DEBIAN/conffiles"
(cd "$root" && find . -type f ! -path './DEBIAN/*' -printf '%P\0' | LC_ALL=C sort -z | xargs -0 md5sum) >"$root/DEBIAN/md5sums"
cat >"$root/DEBIAN/control" <<CONTROL
Package: dezky
Version: $version
Architecture: $architecture
Maintainer: The Dezky authors <packages@dezky.invalid>
Installed-Size: $(du -sk --exclude=DEBIAN "$root" | cut -f1)
Depends: ca-certificates, init-system-helpers (>= 1.60), systemd (>= 252)
Section: net
Priority: optional
Description: control plane of a sovereign workspace platform
 Dezky knows tenants, people, memberships and subscriptions, decides who may
 see and do what, and sets up the systems behind a tenant: identity in
 Authentik, mail in Stalwart, files in ownCloud Infinite Scale.
 .
 This package has the server, the worker and the commands of operators in one
 program, with an embedded store. Neither service is started before you have
 set an issuer in /etc/dezky/dezky.toml.
CONTROL
find "$root" -exec touch --no-dereference --date "@$moment" {} +

mkdir -p "$folder"
package=$folder/dezky_${version}_$architecture.deb
dpkg-deb --root-owner-group --uniform-compression -Zxz --build "$root" "$package" >/dev/null
printf '%s\n' "$package"
