#!/usr/bin/env bash
# Holds the API to its OpenAPI document with Schemathesis: as an administrator of the platform, and as a member of a tenant.
#
# Starts `dezky dev` on a free port and a fresh store, and stops it again. Arguments go to `schemathesis run`. What is configured stands in schemathesis/.
set -euo pipefail
cd "$(dirname "$0")/.."

environment=$(scripts/python-environment.sh schemathesis scripts/requirements/schemathesis.txt)

# Of the features that the tests have built it with, so that nothing is built twice.
cargo build --workspace --all-features --locked --bin dezky
# Reads the program's path from cargo, since the folder of what is built may be another one.
target=$(cargo metadata --format-version 1 --no-deps --locked | python3 -c 'import json, sys; print(json.load(sys.stdin)["target_directory"])')
folder=$(mktemp -d "${TMPDIR:-/tmp}/dezky-schemathesis.XXXXXX")
process=
stop() {
    if [ -n "$process" ]; then
        kill "$process" 2>/dev/null || true
        wait "$process" 2>/dev/null || true
    fi
    rm -rf "$folder"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

"$target/debug/dezky" dev --no-systems --json --listen 127.0.0.1:0 --data "$folder/data" >"$folder/server.json" 2>"$folder/log" &
process=$!
for _ in $(seq 600); do
    if [ -s "$folder/server.json" ]; then break; fi
    if ! kill -0 "$process" 2>/dev/null; then break; fi
    sleep 0.1
done
if [ ! -s "$folder/server.json" ]; then
    echo "schemathesis.sh: the server did not start:" >&2
    cat "$folder/log" >&2
    exit 1
fi

# Only to the environment of what is run: arguments can be read by everybody on this machine.
prepared=$(python3 scripts/schemathesis/prepare.py "$folder/server.json")
eval "$prepared"
export DEZKY_SCHEMATHESIS_KNOWN
export DEZKY_SCHEMATHESIS_ANSWERS=$folder/answers.json
run() {
    local name=$1 token=$2 status=0
    shift 2
    (cd scripts/schemathesis && DEZKY_SCHEMATHESIS_TOKEN=$token DEZKY_SCHEMATHESIS_CALLER=$name PYTHONDONTWRITEBYTECODE=1 \
        "$environment/bin/schemathesis" run "$origin/openapi.json" --no-color "$@") >"$folder/$name" 2>&1 || status=$?
    if [ "$status" -ne 0 ]; then
        cat "$folder/$name"
        echo "schemathesis.sh: as $name: the API and its document differ" >&2
        exit 1
    fi
    echo "schemathesis: as $name: $(sed -n 's/^ *\(.* generated, .*\)/\1/p' "$folder/$name")"
}
# The member first: the administrator may do anything to her.
run member "$member" --phases coverage,fuzzing --max-examples 4 "$@"
run administrator "$administrator" "$@"
"$target/debug/dezky" openapi >"$folder/openapi.json"
python3 scripts/schemathesis/reached.py "$folder/openapi.json" "$DEZKY_SCHEMATHESIS_ANSWERS"
