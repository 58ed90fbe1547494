#!/usr/bin/env bash
# Installs the locked packages of a folder into its node_modules: node-modules.sh FOLDER
#
# With the same lock file there already, nothing is downloaded.
set -euo pipefail
cd "$1"

cmp -s package-lock.json node_modules/.installed && exit
# The npm of an older system warns that it is old. The packages have a Node of their own.
npm ci --silent --no-audit --no-fund
# Written last, so that an interrupted installation is begun again.
cp package-lock.json node_modules/.installed
