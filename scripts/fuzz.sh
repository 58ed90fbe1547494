#!/usr/bin/env bash
# Fuzzes: fuzz.sh [SECONDS [TARGET...]]; without arguments every target for 20 seconds. fuzz/README.md tells more.
#
# Installs cargo-fuzz into .venv/cargo-fuzz when the pinned version is not there, and from Debian the C++ compiler that libFuzzer
# is built with where there is none; Rust's compiler is the one that everything is built with. Each run begins with the committed
# examples and works on a copy, so that it leaves nothing behind. Ends with 1 when something does not hold, and names the file
# that shows it.
set -euo pipefail
cd "$(dirname "$0")/.."

version=0.13.1
seconds=${1:-20}
if [ $# -gt 0 ]; then shift; fi
if ! [[ $seconds =~ ^[1-9][0-9]*$ ]]; then
    echo "usage: fuzz.sh [SECONDS [TARGET...]]" >&2
    exit 2
fi
targets=("$@")
if [ ${#targets[@]} -eq 0 ]; then targets=(tokens key_sets cursors patches settings case_files bounces webhooks scim); fi
for target in "${targets[@]}"; do
    if [ ! -f "fuzz/targets/$target.rs" ]; then
        echo "fuzz.sh: there is no target \`$target\`: see fuzz/targets" >&2
        exit 2
    fi
done

tool=$PWD/.venv/cargo-fuzz/bin/cargo-fuzz
if [ "$("$tool" --version 2>/dev/null)" != "cargo-fuzz $version" ]; then
    echo "installing cargo-fuzz $version into .venv/cargo-fuzz" >&2
    cargo install cargo-fuzz --version "$version" --locked --force --quiet --root .venv/cargo-fuzz --target-dir target/cargo-fuzz
fi

scripts/debian-package.sh c++ g++

# No sanitizer: no unsafe code is written here, the C libraries beneath are built without instrumentation either way, and
# coverage alone needs no unstable compiler.
triple=$(rustc -vV | sed -n 's/^host: //p')
build=(fuzz build --fuzz-dir fuzz/targets --sanitizer none --codegen-units 16 --target "$triple" --target-dir target/fuzz)
if [ ${#targets[@]} -eq 1 ]; then build+=("${targets[0]}"); fi
"$tool" "${build[@]}"

work=$(mktemp -d "${TMPDIR:-/tmp}/dezky-fuzz.XXXXXX")
trap 'rm -rf "$work"' EXIT
failed=()
for target in "${targets[@]}"; do
    mkdir -p "$work/$target" "fuzz/artifacts/$target"
    cp "fuzz/corpus/$target/"* "$work/$target/"
    # The shared cases are the best examples of themselves.
    if [ "$target" = case_files ]; then cp core/tests/cases/*.json "$work/$target/"; fi
    dictionary=()
    if [ -f "fuzz/dictionaries/$target" ]; then dictionary=("-dict=fuzz/dictionaries/$target"); fi
    status=0
    "target/fuzz/$triple/release/$target" "$work/$target" -max_total_time="$seconds" -max_len=20480 -timeout=10 \
        -rss_limit_mb=1024 -seed="${DEZKY_FUZZ_SEED:-1}" -print_final_stats=1 -verbosity=1 \
        "${dictionary[@]}" -artifact_prefix="fuzz/artifacts/$target/" >"$work/$target.log" 2>&1 || status=$?
    # Neither line is there when an example itself does not hold.
    coverage=$(grep -oE 'cov: [0-9]+ ft: [0-9]+ corp: [0-9]+' "$work/$target.log" | tail -n 1 || true)
    executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$work/$target.log")
    echo "$target: ${executions:-?} executions, ${coverage:-no coverage}"
    if [ "$status" -ne 0 ]; then
        failed+=("$target")
        grep -v '^#' "$work/$target.log" | tail -n 60 >&2
        file=$(sed -n 's/.*Test unit written to //p' "$work/$target.log" | tail -n 1)
        echo "fuzz.sh: $target does not hold; to see it again: target/fuzz/$triple/release/$target ${file:-(no file was written)}" >&2
    fi
done
if [ ${#failed[@]} -gt 0 ]; then exit 1; fi
