#!/usr/bin/env bats
# Tests of reset.sh: it removes nothing that it has not named.

load machine

setup() {
    make_machine
    printf 'dezky_mongodb\ndezky_stalwart\n' > "$STATE/volumes"
    touch "$STATE/containers"
    printf 'DEZKY_DOMAIN=dezky.local\n' > "$PLATFORM_FOLDER/.env"
    mkdir "$PLATFORM_FOLDER/certs"
    echo '127.0.0.1 app.dezky.local # dezky: infrastructure/compose' >> "$HOSTS"
}
teardown() { end_machine; }

reset() { on_machine reset.sh "$@"; }

@test "everything is named before it is asked for" {
    run reset --all < <(echo n)
    [ "$status" -eq 1 ]
    for name in dezky_mongodb dezky_stalwart dezky-traefik-1 dezky_store .env certs app.dezky.local; do [[ "$output" == *"$name"* ]]; done
    [[ "$output" == *"nothing was removed"* ]]
}

@test "a refusal, and the end of the input, remove nothing" {
    for answer in n "" no nonsense; do
        run reset --all < <(printf '%s' "$answer")
        [ "$status" -eq 1 ]
    done
    [ "$(changes)" = "" ]
    [ -e "$PLATFORM_FOLDER/.env" ]
    [ -e "$PLATFORM_FOLDER/certs" ]
    grep -q app.dezky.local "$HOSTS"
}

@test "consent removes the data, and keeps secrets, certificate and /etc/hosts" {
    run reset < <(echo y)
    [ "$status" -eq 0 ]
    [ "$(changes | tr '\n' ';')" = "docker rm --force c0ffee;docker network rm dezky_store;docker volume rm dezky_mongodb dezky_stalwart;" ]
    [ -e "$PLATFORM_FOLDER/.env" ]
    [ -e "$PLATFORM_FOLDER/certs" ]
    grep -q app.dezky.local "$HOSTS"
}

@test "only what has the project's label is looked for" {
    reset --yes
    [ "$(grep -cE '^docker (ps|volume ls|network ls)' "$LOG")" -eq 4 ]
    [ "$(grep -E '^docker (ps|volume ls|network ls)' "$LOG" | grep -c 'label=com.docker.compose.project=dezky')" -eq 4 ]
}

@test "--all removes the rest, and other lines of /etc/hosts stay" {
    run reset --all --yes
    [ "$status" -eq 0 ]
    [ ! -e "$PLATFORM_FOLDER/.env" ]
    [ ! -e "$PLATFORM_FOLDER/certs" ]
    [ "$(cat "$HOSTS")" = "127.0.0.1 localhost" ]
}

@test "a second run finds nothing, and asks nothing" {
    reset --all --yes
    run reset --all
    [ "$status" -eq 0 ]
    [ "$output" = "there is nothing to remove" ]
}

@test "an engine that does not answer is no empty one" {
    echo '^docker ps' > "$STATE/refuse"
    run reset --all --yes
    [ "$status" -eq 1 ]
    [[ "$output" == *"does not answer"* ]]
    [ -e "$PLATFORM_FOLDER/.env" ]
}

@test "an interrupted removal keeps the secrets that what is left needs" {
    echo '^docker volume rm' > "$STATE/interrupt"
    run reset --all --yes
    [ "$status" -ne 0 ]
    [ -e "$PLATFORM_FOLDER/.env" ]
    rm "$STATE/interrupt"
    run reset --all --yes
    [ "$status" -eq 0 ]
    [ ! -e "$PLATFORM_FOLDER/.env" ]
}

@test "what bootstrap.sh made, --all removes without a rest" {
    rm -r "$PLATFORM_FOLDER/certs" "$PLATFORM_FOLDER/.env"
    echo '127.0.0.1 localhost' > "$HOSTS"
    find "$PLATFORM_FOLDER" | sort > "$MACHINE/before"
    on_machine bootstrap.sh --yes
    reset --all --yes
    find "$PLATFORM_FOLDER" | sort | cmp - "$MACHINE/before"
    [ "$(cat "$HOSTS")" = "127.0.0.1 localhost" ]
}
