# shellcheck shell=bash
# A machine for the tests: its PATH has the ordinary commands of a system, and doubles of those that change something or ask
# somebody. Each double records its arguments, and behaves as the files below $STATE say.

ORDINARY="awk basename bash cat chmod cmp cp cut date dirname env false grep head ln ls mkdir mktemp mv rm sed sh sort tail tee touch tr true wc"

# Makes what all machines of a file have.
setup_file() {
    local command
    mkdir "$BATS_FILE_TMPDIR/bin"
    for command in $ORDINARY; do ln -s "$(command -v "$command")" "$BATS_FILE_TMPDIR/bin/$command"; done
    # Through a link, the command of this machine would be written.
    cp --remove-destination "$BATS_TEST_DIRNAME"/doubles/* "$BATS_FILE_TMPDIR/bin/"
    REAL_OPENSSL=$(command -v openssl)
    export REAL_OPENSSL
}

make_machine() {
    MACHINE=$(mktemp -d "${TMPDIR:-/tmp}/dezky-compose.XXXXXX")
    STATE=$MACHINE/state LOG=$MACHINE/log PLATFORM_FOLDER=$MACHINE/compose
    export STATE LOG
    mkdir -p "$STATE/images" "$PLATFORM_FOLDER"
    cp -R "$BATS_FILE_TMPDIR/bin" "$MACHINE/bin"
    : > "$LOG"
    local folder image
    folder=$(dirname "$BATS_TEST_DIRNAME")
    cp -R "$folder"/*.sh "$folder"/*.yaml "$folder"/hosts "$folder"/traefik "$PLATFORM_FOLDER"
    mkdir "$MACHINE/authentik" "$MACHINE/images"
    mv "$MACHINE/bin/local.sh" "$MACHINE/images/"
    cp -R "$folder/../authentik/blueprints" "$MACHINE/authentik"
    printf 'Linux\n6.1.0\n' > "$STATE/uname"
    echo 16000000000 > "$STATE/memory"
    echo 2.40.3 > "$STATE/compose-version"
    # All images are there; pulled_images takes those of registries away again.
    for image in $(cd "$PLATFORM_FOLDER" && "$MACHINE/bin/docker" compose config --images); do touch "$STATE/images/${image//\//_}"; done
    : > "$LOG"
    touch "$STATE/images/localhost_dezky_dezky:latest" "$STATE/images/localhost_dezky_dezky-portal:latest" "$STATE/images/localhost_dezky_component:latest"
    HOSTS=$MACHINE/hosts
    echo '127.0.0.1 localhost' > "$HOSTS"
}

# Takes away the images of registries.
pulled_images() { rm -f "$STATE"/images/docker.io_* "$STATE"/images/ghcr.io_*; }

end_machine() { rm -rf "$MACHINE"; }

# Runs a script on the machine: on_machine SCRIPT [ARGUMENT…], with answers from the standard input.
on_machine() {
    local script=$1
    shift
    env -i PATH="$MACHINE/bin" HOME="$MACHINE" STATE="$STATE" LOG="$LOG" REAL_OPENSSL="$REAL_OPENSSL" TMPDIR="$MACHINE" \
        DEZKY_HOSTS_FILE="$HOSTS" DEZKY_WINDOWS_HOSTS_FILE="$MACHINE/windows-hosts" ${EXTRA:+"$EXTRA"} \
        "$MACHINE/bin/bash" "$PLATFORM_FOLDER/$script" "$@"
}

# Takes a command away.
without() { rm "$MACHINE/bin/$1"; }

# Calls that change something.
changes() { grep -Ev '^(docker (compose version|compose build|info|image inspect|compose config|compose ps|ps|volume ls|network ls)|uname|mkcert -CAROOT|openssl|id|sleep|curl)' "$LOG" || true; }

# The number of calls of something.
calls() { grep -c -- "$1" "$LOG" || true; }

mode_of() { stat -c %a "$1" 2> /dev/null || stat -f %Lp "$1"; }
