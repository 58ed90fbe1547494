#!/usr/bin/env bash
# Builds the static binary for images and packages, and prints its path: binary.sh [TARGET]
#
# TARGET is x86_64-unknown-linux-musl (default) or aarch64-unknown-linux-musl, for a machine of the same kind. Needs Rust by rustup, and
# musl-tools. The same commit, the same Rust and the same musl make the same bytes: paths of this machine are replaced, and nothing
# has a time or a random name. DEZKY_BUILD_PROFILE names another profile than `release`, for trying the recipe out.
set -euo pipefail
cd "$(dirname "$0")/../.."

refuse() {
    echo "binary.sh: $1" >&2
    exit "${2:-1}"
}

target=${1:-x86_64-unknown-linux-musl}
profile=${DEZKY_BUILD_PROFILE:-release}
case $target in
    x86_64-unknown-linux-musl | aarch64-unknown-linux-musl) ;;
    *) refuse "there is no recipe for the target \`$target\`" 2 ;;
esac
[ "${target%%-*}" = "$(uname -m)" ] || refuse "\`$target\` is built on a machine of its kind, and this is $(uname -m)" 2
command -v musl-gcc >/dev/null || refuse "musl-gcc is missing: install the package musl-tools"
command -v rustup >/dev/null || refuse "rustup is missing: https://rustup.rs"
rustup target list --installed | grep -qx "$target" || rustup target add "$target" >&2

home=${CARGO_HOME:-$HOME/.cargo}
sources=$(rustc --print sysroot)/lib/rustlib/src/rust
built=$(realpath -ms "${CARGO_TARGET_DIR:-target}")
name=${target//-/_}
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
export CARGO_INCREMENTAL=0
# C of libraries (SQLite, cryptography, the allocator) names its files in assertions.
declare -x "CC_$name=musl-gcc" "CFLAGS_$name=-ffile-prefix-map=$PWD=/dezky -ffile-prefix-map=$home=/cargo -ffile-prefix-map=$built=/built"
export RUSTFLAGS="-C target-feature=+crt-static -C relocation-model=static -C link-self-contained=yes \
--remap-path-prefix=$PWD=/dezky --remap-path-prefix=$home=/cargo --remap-path-prefix=$sources=/rust --remap-path-prefix=$built=/built"
cargo build --package dezky-host --bin dezky --profile "$profile" --target "$target" --locked >&2
printf '%s\n' "$built/$target/$([ "$profile" = dev ] && echo debug || echo "$profile")/dezky"
