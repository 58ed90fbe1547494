#!/bin/sh
# Installs the MongoDB-wire server that the tests run against, and prints the path of its executable.
#
# The server (SecantusDB, GPL-2.0-only) is a separate process in tests; it is neither linked nor shipped.
set -eu

environment=$("$(dirname -- "$0")/python-environment.sh" test-database scripts/requirements/test-database.txt)
echo "$environment/bin/secantusd-py"
