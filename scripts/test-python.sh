#!/usr/bin/env bash
# Tests the Python package `dezky` and the operators' scripts on it: generated files, types, the README's code, the package's tests, the
# shared cases through ASGI, the scripts' tests, and the wheel in an empty environment. Builds a debug module with what only
# tests may have.
#
# The cases run on SQLite, and on MongoDB too where DEZKY_TEST_MONGODB_URI names a server.
set -euo pipefail
cd "$(dirname "$0")/.."
package=$PWD/bindings/python
scripts=$PWD/examples/ops
target=$(cargo metadata --format-version 1 --no-deps --locked | python3 -c 'import json, sys; print(json.load(sys.stdin)["target_directory"])')
environment=$(scripts/python-package.sh tools)
python=$environment/bin/python
work=$(mktemp -d "${TMPDIR:-/tmp}/dezky-python.XXXXXX")
trap 'rm -rf "$work"' EXIT
# Settings of whoever runs this are no part of the tests.
stores=sqlite
[ -z "${DEZKY_TEST_MONGODB_URI:-}" ] || stores=sqlite,mongodb
for variable in $(compgen -v DEZKY_ | grep -v '^DEZKY_TEST_'); do unset "$variable"; done
export DEZKY_TEST_BINARY=$target/debug/dezky

scripts/python-package.sh build --test
scripts/python-package.sh generate --check

echo "== types"
scripts/python-types.sh

echo "== dezky"
(cd "$package/tests" && "$python" -m pytest --quiet package)
for mode in async sync; do
    DEZKY_TEST_PYTHON=$python DEZKY_TEST_STORES=$stores "$target/debug/examples/cases-python" "$mode"
done

echo "== dezky-ops"
# Its commands are found beside this Python, as they are where it is installed.
"$environment/bin/pip" install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable "$scripts"
(cd "$scripts" && PATH=$environment/bin:$PATH "$python" -m pytest --quiet)

echo "== the wheel in an empty environment"
scripts/python-package.sh wheel "$work" --test
"$environment/bin/pip" wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation --wheel-dir "$work" "$scripts"
python3 -m venv "$work/empty"
"$work/empty/bin/pip" install --quiet --disable-pip-version-check --require-hashes --requirement "$scripts/requirements.txt"
# With no index: what the packages depend on must be there already, and fit.
"$work/empty/bin/pip" install --quiet --disable-pip-version-check --no-index "$work"/dezky-*.whl "$work"/dezky_ops-*.whl
DEZKY_TEST_WHEEL=$(echo "$work"/dezky-*.whl) "$work/empty/bin/python" -I "$package/tests/installed.py"
"$work/empty/bin/python" -I "$scripts/tests/walk.py" "$work/walk"
