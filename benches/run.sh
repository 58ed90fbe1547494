#!/usr/bin/env bash
# Measures and prints figures; nothing here passes or fails. Usage: benches/run.sh [tokens|decisions|store|profile|binary|component|lambda|mongodb|flat_cost|trail|billing|evaluations|scim|events|workspace|node|python|portal]...
# SECONDS_OF_LOAD (10) and RUNS (5) say how long and how often `GET /users/me` is called. Takes about two minutes.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${SECONDS_OF_LOAD:-10}
runs=${RUNS:-5}
target=${CARGO_TARGET_DIR:-target}

# Resident memory of a process, in MB.
resident() { awk '/^VmRSS/ { printf "%.1f", $2 / 1000 }' "/proc/$1/status"; }

# Processor time of a process so far, in ms.
processor_time() { awk -v tick="$(getconf CLK_TCK)" '{ print ($14 + $15) * 1000 / tick }' "/proc/$1/stat"; }

# Milliseconds from wrk's `1.23s`, `4.56ms` or `789.00us`.
milliseconds() { awk '{ value = $1 + 0 } /us$/ { value /= 1000 } /[0-9]s$/ { value *= 1000 } { print value }'; }

median() { sort -n | awk '{ value[NR] = $1 } END { print value[int((NR + 1) / 2)] }'; }

# Calls `GET /users/me` of a process for a while, several times. Arguments: process, URL, token, folder for results.
load() {
    local server=$1 url=$2 token=$3 folder=$4 before
    wrk -t2 -c32 -d2s --header "Authorization: Bearer $token" "$url" >/dev/null # Connections and caches fill.
    for _ in $(seq "$runs"); do
        before=$(processor_time "$server")
        wrk -t2 -c32 -d"${seconds}s" --latency --header "Authorization: Bearer $token" "$url" >"$folder/wrk"
        awk -v before="$before" -v after="$(processor_time "$server")" -v memory="$(resident "$server")" '
            /^ +50%/ { middle = $2 } /^ +99%/ { slow = $2 } /requests in/ { count = $1 }
            /^Requests\/sec/ { rate = $2 } /Non-2xx|Socket errors/ { print "NOT ALL ANSWERED: " $0 }
            END { printf "%6d requests/s   p50 %s   p99 %s   %.1f µs of CPU a request   resident %s MB\n",
                  rate, middle, slow, (after - before) * 1000 / count, memory }' "$folder/wrk" | tee -a "$folder/all"
    done
    echo "median $(awk '{ print $1 }' "$folder/all" | median) requests/s"
}

profile() {
    scripts/debian-package.sh wrk wrk
    local folder server input url token
    folder=$(mktemp -d)
    mkfifo "$folder/input"
    "$target/release/profile_server" "$folder" <"$folder/input" &
    server=$!
    exec {input}>"$folder/input" # The server ends when this is closed.
    until [ -s "$folder/url" ]; do
        kill -0 "$server"
        sleep 0.05
    done
    url=$(cat "$folder/url")/users/me
    token=$(cat "$folder/token")
    curl --silent --fail --output "$folder/profile" --header "Authorization: Bearer $token" "$url"
    echo "answer of $(wc -c <"$folder/profile") bytes; resident before load $(resident "$server") MB"
    load "$server" "$url" "$token" "$folder"
    exec {input}>&-
    wait "$server"
    rm -r "$folder"
}

# The release binary itself: how soon it is ready on an existing store, with an issuer that answers, and how much it serves.
binary() {
    scripts/debian-package.sh wrk wrk
    local folder server url token begun
    folder=$(mktemp -d)
    for attempt in first later; do
        begun=$(date +%s%N)
        "$target/release/dezky" dev --no-systems --data "$folder/data" --listen 127.0.0.1:0 >"$folder/welcome" &
        server=$!
        until grep -q 'Stop with' "$folder/welcome"; do
            kill -0 "$server"
            sleep 0.002
        done
        echo "$attempt start: serves after $((($(date +%s%N) - begun) / 1000000)) ms (development issuer and first sign-ins included)"
        [ "$attempt" = later ] && break
        kill "$server"
        wait "$server"
    done
    url=$(grep -o "http://[^/']*/users/me" "$folder/welcome")
    token=$(grep -o 'Bearer [^'"'"']*' "$folder/welcome" | head -n 1)
    token=${token#Bearer }
    load "$server" "$url" "$token" "$folder"
    kill "$server"
    wait "$server"
    rm -r "$folder"
}

# The same API natively, through the component with shared instances, and with an instance for each request: three servers,
# each alone under load, in turns. Every line is one turn; the ratios are of the medians.
component() {
    scripts/debian-package.sh wrk wrk
    local folder wasm mode attempt begun server turn url token
    wasm=$(scripts/build-component.sh)
    echo "component $(wc -c <"$wasm") bytes"
    folder=$(mktemp -d -p "$target")
    for mode in native shared request; do
        mkdir "$folder/$mode"
        set -- # Flags of this mode.
        if [ "$mode" != native ]; then
            cp "$wasm" "$folder/$mode/dezky.wasm"
            set -- --component "$folder/$mode/dezky.wasm" --isolation "$mode"
        fi
        for attempt in first later; do
            : >"$folder/$mode/welcome"
            begun=$(date +%s%N)
            "$target/release/dezky" dev --no-systems --data "$folder/$mode/data" --listen 127.0.0.1:0 "$@" >"$folder/$mode/welcome" &
            server=$!
            until grep -q 'Stop with' "$folder/$mode/welcome"; do
                kill -0 "$server"
                sleep 0.002
            done
            echo "$mode, $attempt start: serves after $((($(date +%s%N) - begun) / 1000000)) ms"
            [ "$attempt" = later ] && break
            kill "$server"
            wait "$server"
        done
        echo "$server" >"$folder/$mode/server"
    done
    for turn in $(seq "$runs"); do
        for mode in native shared request; do
            url=$(grep -o "http://[^/']*/users/me" "$folder/$mode/welcome")
            token=$(grep -o 'Bearer [^'"'"']*' "$folder/$mode/welcome" | head -n 1)
            printf '%d %-8s' "$turn" "$mode"
            runs=1 load "$(cat "$folder/$mode/server")" "$url" "${token#Bearer }" "$folder/$mode" | grep p50
        done
    done
    for mode in native shared request; do
        {
            awk '{ print $1 }' "$folder/$mode/all" | median
            awk '{ print $6 }' "$folder/$mode/all" | milliseconds | median
        } | paste - - >"$folder/$mode/median"
        awk -v mode="$mode" -v native="$(cat "$folder/native/median")" '{
            split(native, of)
            printf "%s: median %d requests/s, %.2f of native; p99 %.2f ms, %.2f times that of native\n", mode, $1, $1 / of[1], $2, $2 / of[2]
        }' "$folder/$mode/median"
        kill "$(cat "$folder/$mode/server")"
        wait "$(cat "$folder/$mode/server")"
    done
    # What the host adds to one call of the store.
    "$target/release/component_calls" "$target/release/dezky" "$(scripts/build-hostile.sh --features obliging)" "$folder"
    rm -r "$folder"
}

# The function on an emulated Runtime API beside the native server.
lambda() { "$target/release/lambda" "$target/release/dezky-lambda" "$target/release/dezky" "$target"; }

# On the disk of the build, not in a folder that may be in memory.
store() { "$target/release/store" "$target"; }
tokens() { "$target/release/tokens"; }
decisions() { "$target/release/decisions"; }

# PEOPLE and TENANTS say how large the large store is; it takes about 2 GB of disk for a while.
flat_cost() { "$target/release/flat_cost" "$target" "${PEOPLE:-1000000}" "${TENANTS:-100000}"; }

# EVENTS says how many events the trail has that is verified.
trail() { "$target/release/trail" "$target" "${EVENTS:-1000000}"; }

# Decisions about entitlements, and events of the payment provider over HTTP until they are on disk.
billing() { "$target/release/billing" "$target" "${EVENTS:-20000}"; }

# Questions of the AuthZEN Authorization API over HTTP, one and a hundred a request.
evaluations() { "$target/release/evaluations" "$target" "${QUESTIONS:-20000}"; }

# PUSHED says how many people an identity provider pushes by SCIM, and puts into one group.
scim() { "$target/release/scim" "$target" "${PUSHED:-10000}"; }

# RATE says how many changes a second there are; a fiftieth as many where each is delivered to ten endpoints.
events() { "$target/release/events" "$target" "${RATE:-10000}"; }

# TENANTS_TO_SET_UP says how many tenants two workers bring to ready.
workspace() { "$target/release/workspace" "$target" "${TENANTS_TO_SET_UP:-1000}"; }

# Processor time of this side, then requests a second beside a plain service on the same server. The test server is slow, and decides
# the latter: they are compared with each other only.
mongodb() {
    # shellcheck disable=SC2016 # expanded inside
    scripts/with-test-database.sh sh -c '"$0" "${DEZKY_TEST_MONGODB_URI}bench_$$"' "$target/release/mongodb"
}

# The package for Node beside other libraries from npm, on one core.
node() {
    (cd benches/node && npm ci --silent --no-audit --no-fund)
    scripts/node-package.sh build
    echo "addon $(cat bindings/node/dezky.*.node | wc -c) bytes"
    DEZKY_BENCH_FOLDER=$target taskset --cpu-list 0 "$(type -P node)" benches/node/measure.mjs
}

# The package for Python beside other libraries from PyPI, on one core, with the wheel installed.
python() {
    local environment wheels
    environment=$(scripts/python-environment.sh bench-python benches/python/requirements.txt)
    wheels=$(mktemp -d -p "$target")
    scripts/python-package.sh wheel "$wheels"
    "$environment/bin/pip" install --quiet --disable-pip-version-check --force-reinstall --no-deps --no-index "$wheels"/dezky-*.whl
    echo "wheel $(wc -c <"$(echo "$wheels"/dezky-*.whl)") bytes"
    DEZKY_BENCH_FOLDER=$target taskset --cpu-list 0 "$environment/bin/python" benches/python/measure.py
    rm -r "$wheels"
}

# The portal's production build with the addon as it is released.
portal() {
    scripts/node-package.sh build
    scripts/build-portal.sh
    examples/portal/node_modules/.bin/node benches/portal/measure.mjs
}

cargo build --release --package dezky-benches --package dezky-host --package dezky-lambda
[ $# -gt 0 ] || set -- tokens decisions store profile binary component lambda mongodb flat_cost trail billing evaluations scim events workspace node python portal
for part in "$@"; do
    echo "== $part"
    "$part"
done
