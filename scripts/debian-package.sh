#!/usr/bin/env bash
# Installs a package of Debian where a command of it is missing: debian-package.sh COMMAND PACKAGE
set -euo pipefail

command -v "$1" >/dev/null && exit
become=()
[ "$(id -u)" = 0 ] || become=(sudo)
echo "installing $2" >&2
"${become[@]}" apt-get update -qq >&2
"${become[@]}" apt-get install -y -qq --no-install-recommends "$2" >&2
