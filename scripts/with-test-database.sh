#!/bin/bash
# Runs a command with MongoDB-wire test servers beside it: with-test-database.sh COMMAND [ARGUMENT...]
#
# The command finds DEZKY_TEST_MONGODB_URI (the first server), DEZKY_TEST_MONGODB_URIS (all of them) and
# DEZKY_TEST_MONGODB_SERVER (the executable, for tests that start and kill servers of their own). A server uses one
# processor; DEZKY_TEST_MONGODB_SERVERS is how many are started (1). They stop and their folder goes when the command ends,
# however it ends; the exit code is the command's.
set -euo pipefail

if [ $# -eq 0 ]; then
    echo "usage: with-test-database.sh COMMAND [ARGUMENT...]" >&2
    exit 2
fi

folder_of_scripts=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
server=$("$folder_of_scripts/test-database.sh")
folder=$(mktemp -d "${TMPDIR:-/tmp}/dezky-test-database.XXXXXX")
count=${DEZKY_TEST_MONGODB_SERVERS:-1}
processes=()

# The kernel stops the server should this script itself be killed, where util-linux offers that.
bound=()
if command -v setpriv >/dev/null 2>&1; then bound=(setpriv --pdeathsig TERM); fi

# Asks a server to stop; one that does not within five seconds is killed: its data are thrown away anyway.
stop_server() {
    kill "$1" 2>/dev/null || true
    for _ in $(seq 50); do
        if ! kill -0 "$1" 2>/dev/null; then break; fi
        sleep 0.1
    done
    kill -KILL "$1" 2>/dev/null || true
    wait "$1" 2>/dev/null || true
}

# shellcheck disable=SC2317 # called by the trap
stop() {
    trap - EXIT INT TERM HUP
    for process in "${processes[@]}"; do stop_server "$process"; done
    rm -rf "$folder"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

accepts() {
    (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# Starts a server whose files begin with this name, and sets `port`. A port that was free a moment ago may be taken when the
# server binds it: then it exits, and another is tried.
start_server() {
    for _ in 1 2 3 4 5; do
        port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
        "${bound[@]}" "$server" --host 127.0.0.1 --port "$port" --storage-path "$1-data" >"$1-log" 2>&1 </dev/null &
        processes+=($!)
        for _ in $(seq 300); do
            if accepts "$port"; then return; fi
            if ! kill -0 "${processes[-1]}" 2>/dev/null; then break; fi
            sleep 0.1
        done
        stop_server "${processes[-1]}"
        unset 'processes[-1]'
    done
    echo "with-test-database.sh: the test server did not start; its last words:" >&2
    tail -n 20 "$1-log" >&2
    exit 1
}

uris=()
for number in $(seq "$count"); do
    start_server "$folder/$number"
    uris+=("mongodb://127.0.0.1:$port/")
done

export DEZKY_TEST_MONGODB_SERVER=$server DEZKY_TEST_MONGODB_URI=${uris[0]} DEZKY_TEST_MONGODB_URIS=${uris[*]}
# In the foreground, so that an interrupt at the terminal reaches the command too; the traps run when it has ended.
status=0
"$@" || status=$?
exit "$status"
