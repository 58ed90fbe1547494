#!/usr/bin/env bash
# Builds images from this working tree and loads them into Docker, under the names that infrastructure/compose looks for:
# local.sh [--tag TAG] [--into FOLDER] [IMAGE...]
#
# An IMAGE is dezky, dezky-portal or component; all without arguments. It becomes localhost/dezky/IMAGE:TAG (default: latest). With --into
# archives are written for `docker load` on another machine, and no Docker is needed. Takes as long as a release, on Linux.
set -euo pipefail
program=local.sh
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=infrastructure/images/image.sh
source "$here/image.sh"
scripts=$here/../../scripts

tag=latest folder='' images=()
while [ $# -gt 0 ]; do
    case $1 in
        --tag | --into)
            [ $# -ge 2 ] || refuse "$1 needs a value" 2
            if [ "$1" = --tag ]; then tag=$2; else folder=$2; fi
            shift
            ;;
        dezky | dezky-portal | component) images+=("$1") ;;
        *) refuse "\`$1\` is neither an option nor an image: there are dezky, dezky-portal and component" 2 ;;
    esac
    shift
done
[ ${#images[@]} -gt 0 ] || images=(dezky dezky-portal component)

# Looked at before anything is built: a release takes long.
[ "$(uname -s)" = Linux ] || refuse "images are built on Linux: run \`local.sh --into FOLDER\` there, and \`docker load --input\` with each archive here"
tools=(buildah:buildah cargo:rustup python3:python3)
[ -n "$folder" ] || tools+=(docker:docker-ce)
for image in "${images[@]}"; do
    case $image in
        dezky) tools+=(rustup:rustup musl-gcc:musl-tools) ;;
        dezky-portal) tools+=(node:nodejs npm:npm cc:gcc) ;;
        component) tools+=(rustup:rustup) ;;
    esac
done
missing=$(for tool in "${tools[@]}"; do command -v "${tool%%:*}" >/dev/null || echo "${tool##*:}"; done | sort -u | tr '\n' ' ')
[ -z "$missing" ] || refuse "these packages are missing: $missing"

work=$(mktemp -d "${TMPDIR:-/tmp}/dezky-local.XXXXXX")
trap 'rm -rf "$work"' EXIT
if [ -n "$folder" ]; then mkdir -p "$folder"; fi
for image in "${images[@]}"; do
    name=localhost/dezky/$image:$tag
    archive=$work/$image.tar
    echo "building $name" >&2
    case $image in
        dezky)
            binary=$("$here/binary.sh" "$(uname -m)-unknown-linux-musl")
            DEZKY_IMAGE_NAME=$name "$here/host.sh" "$binary" "$archive" >&2
            ;;
        dezky-portal)
            "$scripts/node-package.sh" build >&2
            "$scripts/build-portal.sh" >&2
            portal=$here/../../examples/portal
            DEZKY_IMAGE_NAME=$name "$here/portal.sh" "$portal/.output" "$portal/node_modules/node/bin/node" "$archive" >&2
            ;;
        component)
            component=$("$scripts/build-component.sh")
            DEZKY_IMAGE_NAME=$name "$here/component.sh" "$component" "$archive" >&2
            ;;
    esac
    if [ -n "$folder" ]; then
        mv "$archive" "$folder/"
        echo "$folder/$image.tar"
    else
        docker load --quiet --input "$archive" >&2
        rm "$archive"
        echo "$name"
    fi
done
