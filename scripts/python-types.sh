#!/usr/bin/env bash
# Checks the types of the Python package, of the README's code and of the operators' scripts with mypy (strict) and pyright, and the
# stub against the native module. `scripts/python-package.sh build --test` comes before.
set -euo pipefail
cd "$(dirname "$0")/.."
package=$PWD/bindings/python
environment=$(scripts/python-package.sh tools)
python=$environment/bin/python

"$python" "$package/scripts/readme.py"
(cd "$package" && "$python" -m mypy)
(cd "$package" && "$python" -m mypy.stubtest dezky._native --ignore-unused-allowlist --allowlist stubtest.txt)
(cd "$package" && PATH=$environment/bin:$PATH "$environment/bin/pyright" --pythonpath "$python")
(cd examples/ops && "$python" -m mypy)
