#!/usr/bin/env bash
# Checks the making of releases: release.sh, and the packages for npm and Python, with doubles for all builds, and the upgrade of a store. The program
# of the release before is DEZKY_FORMER_BINARY; without it, stores of other layouts are made by their numbers.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/debian-package.sh shellcheck shellcheck
scripts/debian-package.sh bats bats
shellcheck scripts/release.sh scripts/notices.sh scripts/{node,python}-package.sh scripts/{package-crates,check-semver}.sh scripts/check-release.sh scripts/tests/*.bats
bats scripts/tests
binary=$(infrastructure/test-binary.sh)
python3 scripts/check-upgrade.py "${DEZKY_FORMER_BINARY:-$binary}" "$binary"
