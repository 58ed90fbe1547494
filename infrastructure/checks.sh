# Shared by the check.sh of each folder. Sourced, not run: enters the repository, and shows tests the modules that they share.
# shellcheck shell=bash
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$PWD/infrastructure/tests
# Words for Python, before the folder of the tests.
# shellcheck disable=SC2034
discover=(-m unittest discover --quiet --start-directory)

# Installs what is missing: need PROGRAM[:PACKAGE]...
need() {
    local each
    for each in "$@"; do scripts/debian-package.sh "${each%%:*}" "${each##*:}"; done
}

# Sets DEZKY_TEST_BINARY for tests, and builds the release if it is not set.
need_release() {
    DEZKY_TEST_BINARY=$(infrastructure/test-binary.sh)
    export DEZKY_TEST_BINARY
}

# Runs two commands beside each other, and fails if either does.
beside() {
    local first status=0
    "$1" &
    first=$!
    "$2" || status=1
    wait "$first" || status=1
    return "$status"
}
