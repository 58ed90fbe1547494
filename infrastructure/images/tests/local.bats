#!/usr/bin/env bats
# Tests of local.sh in a made-up tree: each recipe, and every command that takes long or changes the machine, is a double.

bats_require_minimum_version 1.5.0

setup() {
    MACHINE=$(mktemp -d "${TMPDIR:-/tmp}/dezky-local.XXXXXX")
    LOG=$MACHINE/log
    export LOG
    mkdir -p "$MACHINE/bin" "$MACHINE/tmp" "$MACHINE/tree/infrastructure/images" "$MACHINE/tree/scripts"
    : > "$LOG"
    for command in bash cat chmod dirname echo mkdir mktemp mv rm sort tr uname; do ln -s "$(command -v "$command")" "$MACHINE/bin/$command"; done
    cp "$BATS_TEST_DIRNAME/../local.sh" "$BATS_TEST_DIRNAME/../image.sh" "$MACHINE/tree/infrastructure/images/"
    for command in buildah cargo rustup musl-gcc node npm cc python3; do double "bin/$command" ''; done
    double bin/docker ''
    double tree/infrastructure/images/binary.sh 'echo /built/dezky'
    double tree/scripts/build-component.sh 'echo /built/dezky_wasm.wasm'
    double tree/scripts/node-package.sh ''
    double tree/scripts/build-portal.sh ''
    # shellcheck disable=SC2016 # of the double
    for recipe in host portal component; do double "tree/infrastructure/images/$recipe.sh" 'for last; do :; done; echo "$DEZKY_IMAGE_NAME" > "$last"; echo sha256:0'; done
}

teardown() { rm -rf "$MACHINE"; }

# Makes a command that records its call without the folders of this test, and then does something.
double() {
    # shellcheck disable=SC2016 # of the double
    printf '#!/bin/sh\nprintf "%%s\\n" "${0##*/} $*" | /bin/sed "s,[^ ]*/dezky-local[^ /]*/,,g" >>"$LOG"\n%s\n' "$2" > "$MACHINE/$1"
    chmod +x "$MACHINE/$1"
}

local_sh() { env -i PATH="$MACHINE/bin" LOG="$LOG" TMPDIR="$MACHINE/tmp" bash "$MACHINE/tree/infrastructure/images/local.sh" "$@"; }

@test "every image is built by its recipe and loaded under its name" {
    run --separate-stderr local_sh
    [ "$status" -eq 0 ]
    [ "$output" = "localhost/dezky/dezky:latest
localhost/dezky/dezky-portal:latest
localhost/dezky/component:latest" ]
    [ "$(cut -d' ' -f1 "$LOG" | tr '\n' ' ')" = "binary.sh host.sh docker node-package.sh build-portal.sh portal.sh docker build-component.sh component.sh docker " ]
    grep -qx "binary.sh $(uname -m)-unknown-linux-musl" "$LOG"
    grep -qx 'host.sh /built/dezky dezky.tar' "$LOG"
    grep -qx 'docker load --quiet --input dezky.tar' "$LOG"
    grep -q '^portal.sh .*examples/portal/.output .*examples/portal/node_modules/node/bin/node dezky-portal.tar$' "$LOG"
    [ -z "$(ls "$MACHINE/tmp")" ]
}

@test "one image is built with another tag, and no other" {
    run --separate-stderr local_sh --tag 0.1.0 component
    [ "$status" -eq 0 ]
    [ "$output" = localhost/dezky/component:0.1.0 ]
    [ "$(cut -d' ' -f1 "$LOG" | tr '\n' ' ')" = "build-component.sh component.sh docker " ]
}

@test "archives for another machine have their names in them, and need no engine" {
    rm "$MACHINE/bin/docker"
    run --separate-stderr local_sh --tag 0.1.0 --into "$MACHINE/out" dezky component
    [ "$status" -eq 0 ]
    [ "$output" = "$MACHINE/out/dezky.tar
$MACHINE/out/component.tar" ]
    [ "$(cat "$MACHINE/out/dezky.tar")" = localhost/dezky/dezky:0.1.0 ]
    [ -z "$(ls "$MACHINE/tmp")" ]
}

@test "all that is missing is named before anything is built" {
    rm "$MACHINE/bin/musl-gcc" "$MACHINE/bin/docker" "$MACHINE/bin/npm"
    run local_sh
    [ "$status" -eq 1 ]
    [ "$output" = "local.sh: these packages are missing: docker-ce musl-tools npm " ]
    [ ! -s "$LOG" ]
    # What only other images need is not asked for.
    run local_sh --into "$MACHINE/out" component
    [ "$status" -eq 0 ]
}

@test "another system and what is no image are refused" {
    rm "$MACHINE/bin/uname"
    double bin/uname 'echo Darwin'
    run local_sh
    [ "$status" -eq 1 ]
    [[ "$output" == *"images are built on Linux"* ]]
    run local_sh dezki
    [ "$status" -eq 2 ]
    [[ "$output" == *"\`dezki\` is neither"* ]]
    run local_sh --tag
    [ "$status" -eq 2 ]
    [[ "$output" == *"--tag needs a value"* ]]
    [ "$(grep -cv '^uname' "$LOG" || true)" -eq 0 ]
}

@test "a recipe that fails ends it, with nothing loaded and nothing left behind" {
    double tree/infrastructure/images/host.sh 'exit 1'
    run local_sh dezky
    [ "$status" -ne 0 ]
    [ "$(grep -c '^docker' "$LOG" || true)" -eq 0 ]
    [ -z "$(ls "$MACHINE/tmp")" ]
}
