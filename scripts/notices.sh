#!/usr/bin/env bash
# Writes the notices of what others wrote in a released part, with the texts of their licences: notices.sh PART FILE [--target TARGET]
#
# Parts are those of sbom.sh; TARGET is the platform where it is not the usual one of the part. Of the portal after its build. Needs
# Rust by rustup, which has the licences of the standard library, and Python 3.11.
set -euo pipefail

# Without the packages of a bill of materials, so that packages and images are built where nothing can be installed.
PYTHONDONTWRITEBYTECODE=1 exec python3 "$(dirname "$0")/supply-chain/notices.py" "$@"
