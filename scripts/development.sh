# shellcheck shell=bash
# Sourced: what `make dev` compiles. The embedded store and the development issuer, without MongoDB and without the
# runtime of components, which take as long to compile as everything else.
# shellcheck disable=SC2034 # used by those that source this
DEVELOPMENT=(--package dezky-host --no-default-features --features development-issuer)
