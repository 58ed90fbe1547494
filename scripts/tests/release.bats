#!/usr/bin/env bats
# Tests of release.sh in a repository of its own, with doubles for all builds. Git is real.

bats_require_minimum_version 1.5.0
# What `run --separate-stderr` sets.
stderr=

setup() {
    MACHINE=$(mktemp -d "${TMPDIR:-/tmp}/dezky-release-test.XXXXXX")
    LOG=$MACHINE/log REPOSITORY=$MACHINE/repository OUT=$MACHINE/out
    mkdir -p "$MACHINE/bin" "$MACHINE/tmp"
    : > "$LOG"
    local command
    for command in basename bash cat chmod cmp cp cut dirname echo git grep gzip install ls mkdir mktemp mv python3 realpath rm sed sha256sum sort tr uname; do
        ln -s "$(command -v "$command")" "$MACHINE/bin/$command"
    done
    for command in rustup cargo musl-gcc npm cc dpkg-deb readelf; do executable "$MACHINE/bin/$command" ''; done
    executable "$MACHINE/bin/node" 'echo linux-x64-gnu'
    make_repository
}

teardown() { rm -rf "$MACHINE"; }

executable() {
    mkdir -p "$(dirname "$1")"
    printf '#!/usr/bin/env bash\nset -e\n%s\n' "$2" > "$1"
    chmod +x "$1"
}

# A build that records its arguments, without folders, the time that it takes for its own, and that it is of a clean clone.
build() {
    executable "$REPOSITORY/$1" "
        arguments=()
        for each; do arguments+=(\"\${each##*/}\"); done
        printf '%s\n' \"${1##*/} \${arguments[*]}\" >> '$LOG'
        printf '%s %s\n' \"\$SOURCE_DATE_EPOCH\" \"\$PWD\" >> '$MACHINE/places'
        [ -z \"\$(git status --porcelain --ignored | sed '/^!! target/d')\" ] || echo unclean >> '$LOG'
        [ -z \"\${CARGO_TARGET_DIR:-}\${RUSTFLAGS:-}\" ] || echo foreign >> '$LOG'
        $2"
}

make_repository() {
    mkdir -p "$REPOSITORY/bindings/node/npm/linux-x64-gnu" "$REPOSITORY/scripts"
    cp "$BATS_TEST_DIRNAME/../release.sh" "$REPOSITORY/scripts/"
    printf '[workspace.package]\nversion = "0.1.0"\nedition = "2024"\n\n[workspace.dependencies]\nversion = "9"\n' > "$REPOSITORY/Cargo.toml"
    printf '# Changelog\n\n## Unreleased\n\n## 0.1.0 (2026-12-01)\n' > "$REPOSITORY/CHANGELOG.md"
    printf '{\n  "version": "0.1.0",\n  "optionalDependencies": {\n    "@dezky/sdk-linux-x64-gnu": "0.1.0"\n  }\n}\n' > "$REPOSITORY/bindings/node/package.json"
    printf '{\n  "version": "0.1.0"\n}\n' > "$REPOSITORY/bindings/node/npm/linux-x64-gnu/package.json"
    echo /target > "$REPOSITORY/.gitignore"
    # shellcheck disable=SC2016 # of the doubles
    {
        build infrastructure/images/binary.sh 'mkdir target; printf "#!/bin/sh\necho dezky 0.1.0\n" > target/dezky; chmod +x target/dezky; echo "$PWD/target/dezky"'
        build scripts/build-component.sh 'echo wasm > target/it.wasm; echo "$PWD/target/it.wasm"'
        build infrastructure/debian/build.sh 'echo deb > "$2/dezky_0.1.0_amd64.deb"; echo "$2/dezky_0.1.0_amd64.deb"'
        build scripts/node-package.sh 'for name in dezky-sdk dezky-sdk-linux-x64-gnu; do echo tgz > "$2/$name-0.1.0.tgz"; done; echo {} > "$2/dezky-node.cdx.json"'
        build scripts/python-package.sh 'echo whl > "$2/dezky-0.1.0-cp311-abi3-manylinux_2_34_x86_64.whl"; echo {} > "$2/dezky-python.cdx.json"'
        build scripts/package-crates.sh 'echo crate > "$1/dezky-0.1.0.crate"; echo crate > "$1/dezky-derive-0.1.0.crate"'
        build scripts/sbom.sh 'echo {} > "$1/dezky.cdx.json"; echo {} > "$1/dezky-wasm.cdx.json"'
        build scripts/notices.sh 'echo "of $1" > "$2"'
        build scripts/check-semver.sh ''
    }
    git init --quiet "$REPOSITORY"
    commit 'a release'
    in_repository tag v0.1.0
}

in_repository() { git -C "$REPOSITORY" -c user.name=t -c user.email=t@t.test -c tag.gpgSign=false -c commit.gpgSign=false "$@"; }

commit() {
    in_repository add --all
    in_repository commit --quiet --message "$1"
}

# Commits a change, and has the tag name it.
retag() {
    commit 'another try'
    in_repository tag --force v0.1.0 > /dev/null
}

release() {
    env -i PATH="$MACHINE/bin" HOME="$MACHINE" TMPDIR="$MACHINE/tmp" CARGO_TARGET_DIR=/elsewhere RUSTFLAGS=-Copt-level=0 \
        bash "$REPOSITORY/scripts/release.sh" "$@"
}

# A run that is refused before anything is built or written.
refused() {
    local status_wanted=$1 says=$2
    shift 2
    run --separate-stderr release "$@"
    [ "$status" -eq "$status_wanted" ]
    [[ "$stderr" == "release.sh: "*"$says"* ]]
    [ -z "$output" ]
    [ ! -s "$LOG" ]
    [ ! -e "$OUT" ]
    [ -z "$(ls "$MACHINE/tmp")" ]
}

@test "a release is built in order, from clones that have nothing else in them" {
    echo stale > "$REPOSITORY/target"
    run --separate-stderr release v0.1.0 "$OUT"
    [ "$status" -eq 0 ]
    [ "$(sed "s/$(uname -m)/ARCH/g" "$LOG")" = "check-semver.sh 
binary.sh ARCH-unknown-linux-musl
build-component.sh 
build.sh dezky out
node-package.sh pack out
python-package.sh wheel out
package-crates.sh out
sbom.sh out binary component
notices.sh binary dezky-0.1.0-ARCH-unknown-linux-musl.THIRD-PARTY-NOTICES --target ARCH-unknown-linux-musl
notices.sh component dezky-0.1.0.wasm.THIRD-PARTY-NOTICES" ] || { cat "$LOG"; false; }
    [ "$(cut -d' ' -f1 "$MACHINE/places" | sort -u)" = "$(in_repository log -1 --format=%ct)" ]
    [ "$(cut -d' ' -f2 "$MACHINE/places" | sort -u | grep -c "^$MACHINE/tmp/")" -eq 1 ]
    [ -z "$(ls "$MACHINE/tmp")" ]
}

@test "it has every part, the program can be run, and checksums are of all" {
    run --separate-stderr release v0.1.0 "$OUT"
    # shellcheck disable=SC2012 # names without blanks
    [ "$(cd "$OUT" && ls | sed "s/$(uname -m)-/ARCH-/" | LC_ALL=C sort | tr '\n' ' ')" = "SHA256SUMS dezky-0.1.0-ARCH-unknown-linux-musl \
dezky-0.1.0-ARCH-unknown-linux-musl.THIRD-PARTY-NOTICES dezky-0.1.0-cp311-abi3-manylinux_2_34_x86_64.whl dezky-0.1.0.crate dezky-0.1.0.wasm \
dezky-0.1.0.wasm.THIRD-PARTY-NOTICES dezky-derive-0.1.0.crate dezky-node.cdx.json dezky-python.cdx.json dezky-sdk-0.1.0.tgz \
dezky-sdk-linux-x64-gnu-0.1.0.tgz dezky-wasm.cdx.json dezky.cdx.json dezky_0.1.0_amd64.deb " ]
    [ "$output" = "$(printf '%s\n' "$OUT"/*)" ]
    [ -x "$OUT/dezky-0.1.0-$(uname -m)-unknown-linux-musl" ]
    [ "$(wc -l < "$OUT/SHA256SUMS")" -eq 14 ]
    [ "$(cat "$OUT/dezky-0.1.0-$(uname -m)-unknown-linux-musl.THIRD-PARTY-NOTICES")" = "of binary" ]
    (cd "$OUT" && sha256sum --quiet --strict --check SHA256SUMS)
}

@test "a dirty tree is refused" {
    echo new > "$REPOSITORY/new"
    refused 1 "the working tree differs from \`v0.1.0\`" v0.1.0 "$OUT"
    rm "$REPOSITORY/new"
    echo changed >> "$REPOSITORY/CHANGELOG.md"
    refused 1 "the working tree differs from \`v0.1.0\`" v0.1.0 "$OUT"
    refused 1 "the working tree differs from \`v0.1.0\`" --check v0.1.0
}

@test "a tag that is not there, or not checked out, is refused" {
    refused 1 "there is no tag \`v0.2.0\`" v0.2.0 "$OUT"
    # A branch of that name is no tag.
    in_repository branch v0.3.0
    refused 1 "there is no tag \`v0.3.0\`" v0.3.0 "$OUT"
    echo more >> "$REPOSITORY/CHANGELOG.md"
    commit more
    refused 1 "what is checked out is not \`v0.1.0\`" v0.1.0 "$OUT"
}

@test "a tag that is not the version is refused with every place that says another" {
    sed -i 's/"version": "0.1.0"/"version": "0.1.1"/' "$REPOSITORY/bindings/node/npm/linux-x64-gnu/package.json"
    sed -i 's/gnu": "0.1.0"/gnu": "0.0.9"/' "$REPOSITORY/bindings/node/package.json"
    sed -i 's/^version = "0.1.0"/version = "0.2.0"/' "$REPOSITORY/Cargo.toml"
    sed -i 's/^## 0.1.0/## 0.1.01/' "$REPOSITORY/CHANGELOG.md"
    retag
    refused 1 "do not say 0.1.0: Cargo.toml (0.2.0), bindings/node/package.json (0.0.9), bindings/node/npm/linux-x64-gnu/package.json (0.1.1), CHANGELOG.md (no" v0.1.0 "$OUT"
}

@test "all that is missing is named at once, and --check needs less" {
    rm "$MACHINE/bin/musl-gcc" "$MACHINE/bin/npm" "$MACHINE/bin/dpkg-deb"
    refused 1 "these packages are missing: dpkg musl-tools npm" v0.1.0 "$OUT"
    refused 1 "these packages are missing: musl-tools" --check v0.1.0
}

@test "wrong arguments are refused" {
    refused 2 usage
    refused 2 usage v0.1.0
    refused 2 usage --check v0.1.0 "$OUT"
    refused 2 "\`0.1.0\` is no tag of a release" 0.1.0 "$OUT"
    refused 2 "is no tag of a release" 'v0.1.0/../x' "$OUT"
}

@test "a folder that has something in it is refused and left as it is" {
    mkdir "$MACHINE/full"
    echo mine > "$MACHINE/full/file"
    refused 2 "is no empty folder" v0.1.0 "$MACHINE/full"
    refused 2 "is no empty folder" v0.1.0 "$MACHINE/full/file"
    [ "$(cat "$MACHINE/full/file")" = mine ]
}

@test "a build that fails leaves no half release" {
    build scripts/python-package.sh 'exit 1'
    retag
    run --separate-stderr release v0.1.0 "$OUT"
    [ "$status" -ne 0 ]
    [ ! -e "$OUT" ]
    [ "$(grep -c '^sbom.sh' "$LOG" || true)" -eq 0 ]
    [ -z "$(ls "$MACHINE/tmp")" ]
}

@test "an interface that its version does not announce ends a release before anything is built" {
    build scripts/check-semver.sh 'echo "constructible_struct_adds_field" >&2; exit 1'
    retag
    run --separate-stderr release v0.1.0 "$OUT"
    [ "$status" -ne 0 ]
    [[ "$stderr" == *constructible_struct_adds_field* ]]
    [ "$(cut -d' ' -f1 "$LOG")" = check-semver.sh ]
    [ ! -e "$OUT" ]
}

@test "the interface is compared with that of the newest release before" {
    cp "$BATS_TEST_DIRNAME/../check-semver.sh" "$REPOSITORY/scripts/"
    local tool=$REPOSITORY/.venv/cargo-semver-checks/bin/cargo-semver-checks
    # shellcheck disable=SC2016 # of the double
    executable "$tool" 'if [ "$2" = --version ]; then echo "cargo-semver-checks '"$(sed -n 's/^version=//p' "$REPOSITORY/scripts/check-semver.sh")"'"; else echo "$@" >> '"'$LOG'"'; fi'
    retag
    semver() { env -i PATH="$MACHINE/bin" HOME="$MACHINE" bash "$REPOSITORY/scripts/check-semver.sh" "$@"; }
    run --separate-stderr semver
    [ "$status" -eq 0 ]
    [[ "$stderr" == *"nothing was released before"* ]]
    [ ! -s "$LOG" ]
    run --separate-stderr semver v0.0.9
    [ "$status" -eq 2 ]
    [[ "$stderr" == *"there is no tag \`v0.0.9\`"* ]]
    local next
    for next in 0.2.0 0.3.0; do
        echo "$next" > "$REPOSITORY/next"
        commit "$next"
        in_repository tag "v$next"
    done
    semver
    semver v0.1.0
    [ "$(grep -o 'refs/tags/.*' "$LOG" | tr '\n' ' ')" = "refs/tags/v0.2.0 refs/tags/v0.1.0 " ]
}

@test "a release without notices of what others wrote is none" {
    # shellcheck disable=SC2016 # of the double
    build scripts/notices.sh '[ "$1" = binary ]'
    retag
    run --separate-stderr release v0.1.0 "$OUT"
    [ "$status" -ne 0 ]
    [ ! -e "$OUT" ]
    build scripts/notices.sh ''
    retag
    run --separate-stderr release v0.1.0 "$OUT"
    [ "$status" -eq 1 ]
    [[ "$stderr" == *"made no \`dezky-0.1.0-$(uname -m)-unknown-linux-musl.THIRD-PARTY-NOTICES\`"* ]]
    [ ! -e "$OUT" ]
}

@test "a wheel that is for one Python alone is no wheel of a release" {
    # shellcheck disable=SC2016 # of the double
    build scripts/python-package.sh 'echo whl > "$2/dezky-0.1.0-cp311-cp311-linux_x86_64.whl"'
    retag
    run --separate-stderr release v0.1.0 "$OUT"
    [ "$status" -eq 1 ]
    [[ "$stderr" == *"made no \`dezky-0.1.0*-cp311-abi3-*.whl\`"* ]]
    [ ! -e "$OUT" ]
}

@test "a program that calls itself otherwise is refused" {
    # shellcheck disable=SC2016 # of the double
    build infrastructure/images/binary.sh 'mkdir target; printf "#!/bin/sh\necho dezky 0.0.9\n" > target/dezky; chmod +x target/dezky; echo "$PWD/target/dezky"'
    retag
    run --separate-stderr release v0.1.0 "$OUT"
    [ "$status" -eq 1 ]
    [[ "$stderr" == *"the binary calls itself \`dezky 0.0.9\`"* ]]
}

@test "--check builds twice in two folders, and prints the hash of what is the same" {
    run --separate-stderr release --check v0.1.0
    [ "$status" -eq 0 ]
    [ "$output" = "$(printf '#!/bin/sh\necho dezky 0.1.0\n' | sha256sum | cut -d' ' -f1)" ]
    [ "$(cut -d' ' -f1 "$LOG" | tr '\n' ' ')" = "binary.sh binary.sh " ]
    [ "$(cut -d' ' -f2 "$MACHINE/places" | sort -u | wc -l)" -eq 2 ]
    [ -z "$(ls "$MACHINE/tmp")" ]
}

@test "--check fails where a path gets into the binary, and keeps both" {
    # shellcheck disable=SC2016 # of the double
    build infrastructure/images/binary.sh 'mkdir target; echo "$PWD" > target/dezky; echo "$PWD/target/dezky"'
    retag
    run --separate-stderr release --check v0.1.0
    [ "$status" -eq 1 ]
    [[ "$stderr" == *"two builds of \`v0.1.0\` differ: compare"* ]]
    [ "$(ls "$MACHINE"/tmp/*)" = "first
second" ]
}
