# shellcheck shell=bash
# What the scripts here share: an image from scratch, written into an archive. Sourced with `program` set to the name of the script.
#
# Builds in a store of its own, which ends with it, by buildah: without a daemon, and without root where user namespaces are allowed.

# A user that is nobody's on the server. Manifests name its number, since there is nothing that could look up a name.
readonly IMAGE_USER=65532

refuse() {
    echo "${program:?}: $1" >&2
    exit "${2:-1}"
}

need() {
    command -v "$1" >/dev/null || refuse "$1 is missing: install the package $2"
}

# Makes `$root`, the content of the image, and `$image_work`, both removed at the end.
begin_image() {
    need buildah buildah
    umask 022
    image_work=$(mktemp -d "${TMPDIR:-/tmp}/dezky-image.XXXXXX")
    # Layers of vfs may have folders that cannot be written.
    trap 'chmod -R u+w "$image_work" 2>/dev/null; rm -rf "$image_work"' EXIT
    root=$image_work/root
    mkdir "$root"
}

# Adds the authorities that TLS is checked with, and the user.
add_system() {
    local authorities=${DEZKY_IMAGE_AUTHORITIES:-/etc/ssl/certs/ca-certificates.crt}
    [ -s "$authorities" ] || refuse "there are no certificate authorities in \`$authorities\`: install the package ca-certificates"
    mkdir -p "$root/etc/ssl/certs"
    cp -L "$authorities" "$root/etc/ssl/certs/ca-certificates.crt"
    printf 'root:x:0:0:root:/:/none\ndezky:x:%s:%s:dezky:/:/none\n' "$IMAGE_USER" "$IMAGE_USER" >"$root/etc/passwd"
    printf 'root:x:0:\ndezky:x:%s:\n' "$IMAGE_USER" >"$root/etc/group"
}

# Adds the licence of what is ours.
add_licence() { install -D -m 0644 "$(dirname "${BASH_SOURCE[0]}")/../../LICENSE" "$root/usr/share/doc/dezky/LICENSE"; }

# Adds that, and notices of what others wrote: add_notices PART
add_notices() {
    add_licence
    "$(dirname "${BASH_SOURCE[0]}")/../../scripts/notices.sh" "$1" "$root/usr/share/doc/dezky/THIRD-PARTY-NOTICES"
}

# Adds what Debian says of the licence of a library: add_copyright FILE
add_copyright() {
    local owner
    command -v dpkg-query >/dev/null || refuse "dpkg-query is missing: build this image on Debian, which tells the licences of libraries"
    # With /usr merged, its list may have either path.
    owner=$(dpkg-query --search "$1" 2>/dev/null) || owner=$(dpkg-query --search "$(readlink -f "$1")" 2>/dev/null) ||
        owner=$(dpkg-query --search "/usr$1" 2>/dev/null) || owner=$(dpkg-query --search "${1#/usr}" 2>/dev/null) ||
        refuse "\`$1\` is of no package, and its licence is unknown"
    owner=${owner%%:*}
    [ -e "$root/usr/share/doc/$owner/copyright" ] || install -D -m 0644 "/usr/share/doc/$owner/copyright" "$root/usr/share/doc/$owner/copyright"
}

in_store() {
    buildah --root "$image_work/store" --runroot "$image_work/run" --storage-driver vfs "$@"
}

# Writes the image and prints its digest: write_image ARCHIVE TITLE [FLAG OF `buildah config`...]
#
# An OCI archive; with DEZKY_IMAGE_NAME an archive of Docker's instead, which every `docker load` reads and gives that name.
#
# The same content makes the same digest: everything belongs to root, and has the time of the commit (SOURCE_DATE_EPOCH, else that
# of git).
write_image() {
    local archive=$1 title=$2 container image moment revision destination
    destination=oci-archive:$image_work/archive.tar:$title
    [ -z "${DEZKY_IMAGE_NAME:-}" ] || destination=docker-archive:$image_work/archive.tar:$DEZKY_IMAGE_NAME
    shift 2
    revision=$(git -C "$(dirname "${BASH_SOURCE[0]}")" rev-parse HEAD 2>/dev/null || echo unknown)
    moment=${SOURCE_DATE_EPOCH:-$(git -C "$(dirname "${BASH_SOURCE[0]}")" log -1 --format=%ct 2>/dev/null || echo 0)}
    [[ $moment =~ ^[0-9]+$ ]] || refuse "SOURCE_DATE_EPOCH must be a number of seconds, and is \`$moment\`" 2
    find "$root" -type d -exec chmod 0755 {} +
    container=$(in_store from scratch)
    in_store copy --quiet --chown 0:0 "$container" "$root/" / >/dev/null
    in_store config --user "$IMAGE_USER:$IMAGE_USER" --workingdir / --created-by "$title" \
        --label "org.opencontainers.image.title=$title" --label "org.opencontainers.image.revision=$revision" \
        --label "org.opencontainers.image.licenses=MIT" "$@" "$container"
    # Without a name, which would stand in the archive beside the one that is wanted.
    image=$(in_store commit --quiet --format oci --timestamp "$moment" --omit-history "$container")
    in_store push --quiet --digestfile "$image_work/digest" "$image" "$destination" >/dev/null
    mv "$image_work/archive.tar" "$archive"
    cat "$image_work/digest"
    echo
}
