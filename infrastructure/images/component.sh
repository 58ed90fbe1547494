#!/usr/bin/env bash
# Builds the artefact with the component, which a cluster mounts as a volume, and prints its digest: component.sh COMPONENT ARCHIVE
#
# COMPONENT is what scripts/build-component.sh prints. In the image it belongs to root and nobody may write it, which the host insists on.
set -euo pipefail
program=component.sh
# shellcheck source=infrastructure/images/image.sh
source "$(dirname "$0")/image.sh"

[ $# -eq 2 ] || refuse "usage: component.sh COMPONENT ARCHIVE" 2
[ -r "$1" ] || refuse "\`$1\` cannot be read: build it with scripts/build-component.sh" 2
# `\0asm`, and the version and layer of a component: a core module would be refused by the host, at its start.
[ "$(head -c 8 "$1" | od -An -tx1 | tr -d ' \n')" = 0061736d0d000100 ] || refuse "\`$1\` is no component of WebAssembly" 2

begin_image
install -m 0444 "$1" "$root/dezky_wasm.wasm"
add_notices component
write_image "$2" dezky-component
