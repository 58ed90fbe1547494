#!/usr/bin/env bash
# Builds the documents as a site, checks that every link within it leads somewhere, and prints where it is: check-docs.sh [FOLDER]
#
# A book of all pages of the repository, with references that are made from the API's document, the help of the commands, and the
# declaration of settings. FOLDER (target/book) is replaced. Takes `dezky` from DEZKY_TEST_BINARY, or builds it.
set -euo pipefail
cd "$(dirname "$0")/.."
export PYTHONDONTWRITEBYTECODE=1

folder=${1:-target/book}
if [ -e "$folder" ] && [ ! -e "$folder/book.toml" ] && [ -n "$(ls -A "$folder")" ]; then
    echo "check-docs.sh: \`$folder\` is not of this script: name an empty folder" >&2
    exit 2
fi
binary=$(infrastructure/test-binary.sh)
environment=$(scripts/python-environment.sh docs scripts/requirements/docs.txt)
tools=$(scripts/python-environment.sh supply-chain scripts/requirements/supply-chain.txt)
"$tools/bin/python" -m pytest --quiet -p no:cacheprovider scripts/book >&2
rm -rf "$folder"
mkdir -p "$folder"
python3 scripts/book/book.py "$binary" "$folder"
# A warning, such as about an element that is never closed, is a fault of a page.
if ! log=$("$environment/bin/mdbook" build "$folder" 2>&1) || grep -qE '\b(WARN|ERROR)\b' <<<"$log"; then
    printf '%s\n' "$log" >&2
    exit 1
fi
python3 scripts/book/check_links.py "$folder/html"
echo "$folder/html/index.html"
