#!/usr/bin/env bash
# Checks the making of releases: release.sh in a repository of its own with doubles for all builds.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/debian-package.sh shellcheck shellcheck
scripts/debian-package.sh bats bats
shellcheck scripts/release.sh scripts/package-crates.sh scripts/check-release.sh scripts/tests/*.bats
bats scripts/tests
