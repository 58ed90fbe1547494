#!/usr/bin/env bash
# Holds the SCIM service to RFC 7643 and RFC 7644 with a client and a compliance checker from PyPI, and with the requests that Authentik, Entra
# ID and Okta send. Starts `dezky dev` on free ports and a fresh store, and stops it again.
set -euo pipefail
cd "$(dirname "$0")/.."

environment=$(scripts/python-environment.sh scim scripts/requirements/scim.txt)
DEZKY_TEST_BINARY=$(infrastructure/test-binary.sh)
export DEZKY_TEST_BINARY PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$PWD/infrastructure/tests
"$environment/bin/python" -m unittest discover --start-directory scripts/scim
