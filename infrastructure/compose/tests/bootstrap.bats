#!/usr/bin/env bats
# Tests of bootstrap.sh on made-up machines. Every command outside of it is a double (machine.bash).

load machine

setup() { make_machine; }
teardown() { end_machine; }

bootstrap() { on_machine bootstrap.sh "$@"; }

@test "a first run makes everything, in order" {
    pulled_images
    run bootstrap --yes < /dev/null
    [ "$status" -eq 0 ]
    [ "$(grep -n 'compose up' "$LOG" | head -n 1 | sed 's/.* 600//')" = " mongodb authentik-database traefik" ]
    # Authentik's blueprints are there before anything that signs in, and Dezky is seeded before it is waited for.
    order=$(grep -oE 'compose up .*(traefik|authentik-worker|collaboration|portal)$|ak apply_blueprint|run --rm --no-deps dezky seed|https://[a-z.]*' "$LOG" | sed 's/.* //')
    [ "$(echo "$order" | tr '\n' ' ')" = "traefik authentik-worker apply_blueprint https://auth.dezky.local collaboration portal seed https://api.dezky.local https://app.dezky.local " ]
    [[ "$output" == *"sign in as \`owner\`"* ]]
    [[ "$output" == *"https://app.dezky.local"* ]]
}

@test "what is started last is everything else, so that no service is forgotten" {
    bootstrap --yes < /dev/null
    [ "$(grep 'compose up' "$LOG" | tail -n 1)" = "docker compose up --detach --wait --wait-timeout 600" ]
}

@test "secrets are random, different, for their owner alone, and in no output" {
    run bootstrap --yes < /dev/null
    [ "$(mode_of "$PLATFORM_FOLDER/.env")" = 600 ]
    [ "$(mode_of "$PLATFORM_FOLDER/certs/tls/key.pem")" = 600 ]
    secrets=$(grep -E '_(PASSWORD|KEY|SECRET|TOKEN)=' "$PLATFORM_FOLDER/.env" | cut -d= -f2-)
    [ "$(echo "$secrets" | wc -l)" -ge 15 ]
    [ "$(echo "$secrets" | sort | uniq -d)" = "" ]
    for secret in $secrets; do
        [ ${#secret} -ge 44 ]
        [[ "$output" != *"$secret"* ]]
        [ "$(grep -cF -- "$secret" "$LOG" || true)" -eq 0 ]
    done
}

@test "the portal's key is base64 of 32 bytes" {
    bootstrap --yes < /dev/null
    [ "$(sed -n 's/^PORTAL_TOKEN_KEY=//p' "$PLATFORM_FOLDER/.env" | base64 -d | wc -c)" -eq 32 ]
}

@test "every name that Compose requires is in .env" {
    bootstrap --yes < /dev/null
    # shellcheck disable=SC2016 # as it is written there
    for name in $(grep -o '\${[A-Z][A-Z0-9_]*:?}' -h "$PLATFORM_FOLDER"/*.yaml | tr -dc 'A-Z0-9_\n' | sort -u); do
        grep -q "^$name=." "$PLATFORM_FOLDER/.env"
    done
}

@test "a second run changes nothing on the machine" {
    bootstrap --yes < /dev/null
    find "$PLATFORM_FOLDER" -type f -exec cksum {} + | sort > "$MACHINE/before"
    cp "$HOSTS" "$MACHINE/hosts-before"
    : > "$LOG"
    run bootstrap < /dev/null
    [ "$status" -eq 0 ]
    find "$PLATFORM_FOLDER" -type f -exec cksum {} + | sort | cmp - "$MACHINE/before"
    cmp "$HOSTS" "$MACHINE/hosts-before"
    # Nothing was asked, pulled or made: services are started, which does nothing to those that run, blueprints find what they
    # would make, and the seed its tenant.
    [[ "$output" != *"[y/N]"* ]]
    [ "$(changes | grep -vE 'docker compose (up|exec)' )" = "docker compose run --rm --no-deps dezky seed" ]
}

@test "values in .env stay, missing ones are added, and the mode is put right" {
    printf 'MONGODB_PASSWORD=mine\n# a remark\nDEZKY_DOMAIN=platform.test\nDEZKY_LOG=debug' > "$PLATFORM_FOLDER/.env"
    chmod 644 "$PLATFORM_FOLDER/.env"
    bootstrap --yes < /dev/null
    [ "$(head -n 4 "$PLATFORM_FOLDER/.env")" = "$(printf 'MONGODB_PASSWORD=mine\n# a remark\nDEZKY_DOMAIN=platform.test\nDEZKY_LOG=debug')" ]
    [ "$(grep -c '^MONGODB_PASSWORD=' "$PLATFORM_FOLDER/.env")" -eq 1 ]
    grep -q '^PORTAL_TOKEN_KEY=.' "$PLATFORM_FOLDER/.env"
    [ "$(mode_of "$PLATFORM_FOLDER/.env")" = 600 ]
    grep -q 'app.platform.test' "$HOSTS"
}

@test "a complete .env that others may read is closed to them" {
    bootstrap --yes
    chmod 644 "$PLATFORM_FOLDER/.env"
    bootstrap --yes
    [ "$(mode_of "$PLATFORM_FOLDER/.env")" = 600 ]
}

@test "a variable of the caller's does not win over .env" {
    EXTRA=MONGODB_PASSWORD=stray bootstrap --yes < /dev/null
    [ -e "$STATE/leaked" ]
    [ ! -s "$STATE/leaked" ]
}

@test "each missing tool is named with what installs it, and nothing is changed" {
    without mkcert
    without curl
    run bootstrap --yes < /dev/null
    [ "$status" -eq 1 ]
    [[ "$output" == *"mkcert is missing: "* ]]
    [[ "$output" == *"curl is missing: "* ]]
    [ "$(changes)" = "" ]
    [ ! -e "$PLATFORM_FOLDER/.env" ]
}

@test "the advice is the system's" {
    without mkcert
    printf 'Darwin\n24.0.0\n' > "$STATE/uname"
    run bootstrap --check
    [[ "$output" == *"brew install mkcert"* ]]
    printf 'Linux\n6.1.0\n' > "$STATE/uname"
    ln -s /bin/true "$MACHINE/bin/apt-get"
    run bootstrap --check
    [[ "$output" == *"sudo apt-get install mkcert libnss3-tools"* ]]
    without docker
    printf 'Linux\n5.15.0-microsoft-standard-WSL2\n' > "$STATE/uname"
    run bootstrap --check
    [[ "$output" == *"WSL integration"* ]]
}

@test "another system is refused" {
    printf 'MINGW64_NT-10.0\n3.4\n' > "$STATE/uname"
    run bootstrap --yes
    [ "$status" -eq 1 ]
    [[ "$output" == *"inside WSL2"* ]]
}

@test "a Compose that is too old is refused, and a newer one is not" {
    for version in 2.23.3 v2.9.0 1.29.2; do
        echo $version > "$STATE/compose-version"
        run bootstrap --yes
        [ "$status" -eq 1 ]
        [[ "$output" == *"docker compose is $version"* ]]
    done
    for version in 2.24.0 v5.0.1; do
        echo $version > "$STATE/compose-version"
        run bootstrap --yes
        [ "$status" -eq 0 ]
    done
}

@test "an engine that does not answer is named, and one with little memory is warned of" {
    echo 4000000000 > "$STATE/memory"
    run bootstrap --yes
    [ "$status" -eq 0 ]
    [[ "$output" == *"less than 10 GB"* ]]
    : > "$STATE/memory"
    run bootstrap --yes
    [ "$status" -eq 1 ]
    [[ "$output" == *"does not answer"* ]]
}

@test "refused consents change neither the trust store nor /etc/hosts, and the rest goes on" {
    run bootstrap < <(printf 'n\nn\n')
    [ "$status" -eq 0 ]
    [ "$(calls 'mkcert -install')" -eq 0 ]
    [ "$(calls sudo)" -eq 0 ]
    [ "$(cat "$HOSTS")" = "127.0.0.1 localhost" ]
    [[ "$output" == *"browsers on this machine will not find these hosts"* ]]
    [ "$(calls 'dezky seed')" -eq 1 ]
}

@test "the end of the input is a no" {
    run bootstrap < /dev/null
    [ "$status" -eq 0 ]
    [ "$(calls 'mkcert -install')" -eq 0 ]
    [ "$(calls sudo)" -eq 0 ]
}

@test "--no-hosts leaves /etc/hosts alone without asking" {
    run bootstrap --yes --no-hosts
    [ "$status" -eq 0 ]
    [ "$(cat "$HOSTS")" = "127.0.0.1 localhost" ]
    [[ "$output" != *"lacks"* ]]
}

@test "/etc/hosts gets every name once, those of tenants too" {
    bootstrap --yes
    for name in app api auth files mail office traefik chat meet dezky dezky.chat; do
        [ "$(grep -cE "[[:space:]]$name\.dezky\.local( |\$)" "$HOSTS")" -eq 1 ]
    done
    printf 'DEZKY_TENANTS=acme, globex\n' >> "$PLATFORM_FOLDER/.env"
    bootstrap --yes
    [ "$(grep -c 'localhost' "$HOSTS")" -eq 1 ]
    [ "$(tail -n 1 "$HOSTS")" = "127.0.0.1 acme.dezky.local acme.chat.dezky.local globex.dezky.local globex.chat.dezky.local # dezky: infrastructure/compose" ]
}

@test "macOS gets IPv6 lines too, which it would wait for" {
    printf 'Darwin\n24.0.0\n' > "$STATE/uname"
    bootstrap --yes
    grep -q '^127.0.0.1 app.dezky.local' "$HOSTS"
    grep -q '^::1 app.dezky.local' "$HOSTS"
}

@test "WSL2 is told what Windows needs, until Windows has it" {
    printf 'Linux\n5.15.0-microsoft-standard-WSL2\n' > "$STATE/uname"
    run bootstrap --yes
    [[ "$output" == *"Add-Content C:\\Windows\\System32\\drivers\\etc\\hosts"* ]]
    cp "$HOSTS" "$MACHINE/windows-hosts"
    run bootstrap --yes
    [[ "$output" != *"Add-Content"* ]]
}

@test "a certificate is made anew when it ends soon, or is of another authority or domain, and only then" {
    echo 10 > "$STATE/days"
    bootstrap --yes
    rm "$STATE/days"
    bootstrap --yes
    [ "$(calls 'mkcert -cert-file')" -eq 2 ]
    bootstrap --yes
    [ "$(calls 'mkcert -cert-file')" -eq 2 ]
    rm -r "$STATE/authority"
    bootstrap --yes
    [ "$(calls 'mkcert -cert-file')" -eq 3 ]
    sed -i.bak 's/^DEZKY_DOMAIN=.*/DEZKY_DOMAIN=other.test/' "$PLATFORM_FOLDER/.env"
    bootstrap --yes
    [ "$(grep 'mkcert -cert-file' "$LOG" | tail -n 1 | sed 's/.*key.pem //')" = "other.test *.other.test *.chat.other.test" ]
}

@test "mkcert itself makes a certificate that is taken for good, and not again" {
    without mkcert
    ln -s "$(command -v mkcert)" "$MACHINE/bin/mkcert"
    # The trust store of this machine stays as it is: the first question is about that.
    EXTRA=CAROOT=$MACHINE/authority bootstrap < <(printf 'n\ny\n')
    openssl verify -CAfile "$PLATFORM_FOLDER/certs/ca/root.pem" "$PLATFORM_FOLDER/certs/tls/certificate.pem"
    [ "$(mode_of "$PLATFORM_FOLDER/certs/tls/key.pem")" = 600 ]
    cksum "$PLATFORM_FOLDER"/certs/*/* > "$MACHINE/before"
    EXTRA=CAROOT=$MACHINE/authority run bootstrap < /dev/null
    [ "$status" -eq 0 ]
    [[ "$output" != *"[y/N]"* ]]
    cksum "$PLATFORM_FOLDER"/certs/*/* | cmp - "$MACHINE/before"
}

@test "containers may read the authority's certificate, and nobody else the key" {
    bootstrap --yes
    [ "$(mode_of "$PLATFORM_FOLDER/certs")" = 755 ]
    [ "$(mode_of "$PLATFORM_FOLDER/certs/ca/root.pem")" = 644 ]
    [ "$(mode_of "$PLATFORM_FOLDER/certs/tls")" = 700 ]
    [ "$(ls "$PLATFORM_FOLDER/certs/ca")" = root.pem ]
}

@test "images that are missing are built here after a question, and are not pulled" {
    rm "$STATE/images/localhost_dezky_dezky-portal:latest" "$STATE/images/localhost_dezky_component:latest"
    run bootstrap --yes
    [ "$status" -eq 0 ]
    [ "$(grep '^local.sh' "$LOG")" = "local.sh --tag latest component dezky-portal" ]
    # Before the image that is combined out of them.
    [ "$(grep -oE '^local.sh|compose build' "$LOG" | tr '\n' ' ')" = "local.sh compose build " ]
    [ "$(calls 'pull --quiet localhost')" -eq 0 ]
    run bootstrap --yes
    [ "$(calls '^local.sh')" -eq 1 ]
}

@test "without consent nothing is built or started, and what to run is said" {
    for name in dezky dezky-portal component; do
        mv "$STATE/images/localhost_dezky_$name:latest" "$MACHINE/away"
        run bootstrap --no-hosts < /dev/null
        [ "$status" -eq 1 ]
        [[ "$output" == *"run infrastructure/images/local.sh --tag latest $name, or"*DEZKY_IMAGE* ]]
        mv "$MACHINE/away" "$STATE/images/localhost_dezky_$name:latest"
    done
    [ "$(calls '^local.sh')" -eq 0 ]
    [ "$(calls 'compose up')" -eq 0 ]
}

@test "macOS is told what to run on Linux" {
    printf 'Darwin\n24.0.0\n' > "$STATE/uname"
    rm "$STATE/images/localhost_dezky_dezky:latest"
    run bootstrap --yes
    [ "$status" -eq 1 ]
    [[ "$output" == *"local.sh --tag latest --into FOLDER dezky, and here docker load --input"* ]]
    [ "$(calls '^local.sh')" -eq 0 ]
}

@test "a build that fails ends the run, and the next one goes on from there" {
    rm "$STATE/images/localhost_dezky_dezky:latest"
    touch "$STATE/build-fails"
    run bootstrap --yes
    [ "$status" -ne 0 ]
    [ "$(calls 'compose up')" -eq 0 ]
    rm "$STATE/build-fails"
    run bootstrap --yes
    [ "$status" -eq 0 ]
}

@test "a local image that nothing here builds is named" {
    printf 'DEZKY_COMPONENT_IMAGE=localhost/mine\n' > "$PLATFORM_FOLDER/.env"
    run bootstrap --yes
    [ "$status" -eq 1 ]
    [[ "$output" == *"localhost/mine:latest is not here, and nothing here builds it"* ]]
    [ "$(calls '^local.sh')" -eq 0 ]
}

@test "images of a registry take their place where .env names them" {
    rm "$STATE"/images/localhost*
    printf 'DEZKY_COMPONENT_IMAGE=registry.example.net/dezky/component\nDEZKY_VERSION=0.1.0\n' > "$PLATFORM_FOLDER/.env"
    touch "$STATE/images/localhost_dezky_dezky:latest" "$STATE/images/localhost_dezky_dezky-portal:latest"
    bootstrap --yes
    [ "$(calls 'pull --quiet registry.example.net/dezky/component:0.1.0')" -eq 1 ]
    [ "$(calls 'compose build --quiet dezky')" -eq 1 ]
}

@test "an image that is there is not pulled again" {
    pulled_images
    touch "$STATE/images/docker.io_library_traefik:v3.7.15"
    bootstrap --yes
    [ "$(calls 'pull --quiet docker.io/library/traefik')" -eq 0 ]
    [ "$(calls 'pull --quiet docker.io/library/mongo')" -eq 1 ]
}

@test "--pin writes the digest of every image once" {
    bootstrap --yes --pin
    names=$(grep -ohE '[A-Z_]+_DIGEST' "$PLATFORM_FOLDER"/*.yaml | grep -v '^DEZKY_' | sort -u)
    for name in $names; do
        [ "$(grep -cE "^$name=sha256:[0-9]{64}\$" "$PLATFORM_FOLDER/.env")" -eq 1 ]
    done
    [ "$(mode_of "$PLATFORM_FOLDER/.env")" = 600 ]
    bootstrap --yes --pin
    [ "$(grep -c '^TRAEFIK_DIGEST=' "$PLATFORM_FOLDER/.env")" -eq 1 ]
}

@test "an image without a digest cannot be pinned" {
    touch "$STATE/no-digests"
    run bootstrap --yes --pin
    [ "$status" -eq 1 ]
    [[ "$output" == *"has no digest"* ]]
    [ "$(grep -c '_DIGEST=' "$PLATFORM_FOLDER/.env" || true)" -eq 0 ]
}

@test "a service that does not get healthy ends the run with the state of all" {
    echo 'compose up .* authentik authentik-worker' > "$STATE/refuse"
    run bootstrap --yes
    [ "$status" -eq 1 ]
    [[ "$output" == *"Authentik did not get healthy"* ]]
    [ "$(calls 'compose ps --all')" -eq 1 ]
    [ "$(calls 'dezky worker portal')" -eq 0 ]
}

@test "blueprints are applied until Authentik has what they refer to, and not for ever" {
    echo 4 > "$STATE/invalid"
    run bootstrap --yes
    [ "$status" -eq 0 ]
    [ "$(calls '^sleep 2')" -eq 4 ]
    echo 100000 > "$STATE/invalid"
    run bootstrap --yes
    [ "$status" -eq 1 ]
    # It quotes what a blueprint sets, and that is not shown.
    [[ "$output" == *"Blueprint invalid: key=(AUTHENTIK_CONNECTOR_TOKEN), again"*"Authentik refuses the blueprints"* ]]
}

@test "every blueprint is applied, the first one first, but those that are not to be" {
    bootstrap --yes
    [ "$(grep -o 'apply_blueprint .*' "$LOG")" = "apply_blueprint dezky/portal.yaml dezky/connector.yaml dezky/files.yaml dezky/local/owner.yaml" ]
}

@test "an address is asked again until it answers, and not for ever" {
    echo 3 > "$STATE/refusals"
    run bootstrap --yes
    [ "$status" -eq 0 ]
    [ "$(calls '^sleep 2')" -eq 3 ]
    echo 100000 > "$STATE/refusals"
    run bootstrap --yes
    [ "$status" -eq 1 ]
    [[ "$output" == *"https://auth.dezky.local/application/o/dezky-portal/.well-known/openid-configuration does not answer"* ]]
}

@test "addresses are asked through Traefik with the certificate checked, whatever /etc/hosts says" {
    bootstrap --yes --no-hosts
    [ "$(grep -c '^curl' "$LOG")" -eq 3 ]
    [ "$(grep '^curl' "$LOG" | grep -c -- '--cacert certs/ca/root.pem --resolve [a-z]*.dezky.local:443:127.0.0.1 ')" -eq 3 ]
    [ "$(grep -cE -- '^curl.*( --insecure| -k )' "$LOG" || true)" -eq 0 ]
}

@test "an interrupted run is taken up by the next one, with the same secrets" {
    echo 'compose up .* stalwart' > "$STATE/interrupt"
    run bootstrap --yes
    [ "$status" -eq 130 ]
    [[ "$output" == *"the next run goes on from there"* ]]
    cp "$PLATFORM_FOLDER/.env" "$MACHINE/first"
    rm "$STATE/interrupt"
    run bootstrap --yes
    [ "$status" -eq 0 ]
    cmp "$PLATFORM_FOLDER/.env" "$MACHINE/first"
    [ "$(calls 'mkcert -cert-file')" -eq 1 ]
}

@test "an interrupted pull leaves nothing behind and pulls the rest the next time" {
    pulled_images
    echo 'pull --quiet docker.io/owncloud' > "$STATE/interrupt"
    run bootstrap --yes
    [ "$status" -eq 130 ]
    [ "$(calls 'compose up')" -eq 0 ]
    rm "$STATE/interrupt"
    bootstrap --yes
    [ "$(calls 'pull --quiet docker.io/library/traefik')" -eq 1 ]
    [ "$(calls 'pull --quiet docker.io/owncloud')" -eq 2 ]
}

@test "no half .env and no half certificate are left by what fails" {
    touch "$STATE/no-randomness"
    run bootstrap --yes
    [ "$status" -ne 0 ]
    [ ! -e "$PLATFORM_FOLDER/.env" ]
    rm "$STATE/no-randomness"
    touch "$STATE/mkcert-fails"
    run bootstrap --yes
    [ "$status" -ne 0 ]
    [ ! -e "$PLATFORM_FOLDER/certs" ]
    [ "$(find "$PLATFORM_FOLDER" -name '.env.*' -o -name 'certs.*')" = "" ]
    rm "$STATE/mkcert-fails"
    bootstrap --yes
}

@test "--check names what is missing and changes nothing, and is content after a run" {
    find "$PLATFORM_FOLDER" -type f -exec cksum {} + | sort > "$MACHINE/before"
    run bootstrap --check
    [ "$status" -eq 1 ]
    [[ "$output" == *".env lacks:"*"MONGODB_PASSWORD"* ]]
    find "$PLATFORM_FOLDER" -type f -exec cksum {} + | sort | cmp - "$MACHINE/before"
    [ "$(changes)" = "" ]
    bootstrap --yes --no-hosts
    run bootstrap --check
    [ "$status" -eq 1 ]
    [[ "$output" == *"lacks: app.dezky.local"* ]]
    run bootstrap --check --no-hosts
    [ "$status" -eq 0 ]
    [ "$output" = "nothing is missing" ]
}

@test "a domain that is none is refused before anything is made of it" {
    EXTRA=DEZKY_DOMAIN=localhost run bootstrap --yes
    [ "$status" -eq 1 ]
    [[ "$output" == *"is no domain of two labels"* ]]
    [ "$(calls mkcert)" -eq 0 ]
}

@test "unknown options are refused, and --help tells the known ones" {
    run bootstrap --force
    [ "$status" -eq 1 ]
    [[ "$output" == *"--force"* ]]
    run bootstrap --help
    [ "$status" -eq 0 ]
    for option in --check --yes --no-hosts --pin; do [[ "$output" == *"$option"* ]]; done
    [ "$(changes)" = "" ]
}
