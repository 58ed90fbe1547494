#!/usr/bin/env bash
# Builds the image of the portal, and prints its digest: portal.sh OUTPUT NODE ARCHIVE
#
# OUTPUT is the folder `.output` that scripts/build-portal.sh makes, NODE the program to run it with (22.19 or newer; that script installs
# examples/portal/node_modules/node/bin/node). From scratch: Node, the libraries that it and the addons need, as this machine has them, the
# portal, and the licences of all of them. There is no shell, no npm and no package manager in it. Rebuild it for updates of those libraries.
set -euo pipefail
program=portal.sh
# shellcheck source=infrastructure/images/image.sh
source "$(dirname "$0")/image.sh"

[ $# -eq 3 ] || refuse "usage: portal.sh OUTPUT NODE ARCHIVE" 2
[ -f "$1/server/index.mjs" ] || refuse "\`$1\` is no build of the portal: there is no \`$1/server/index.mjs\`; run scripts/build-portal.sh" 2
[ -s "$1/THIRD-PARTY-NOTICES" ] || refuse "there is no \`$1/THIRD-PARTY-NOTICES\`: run scripts/build-portal.sh, which writes it" 2
node=$(command -v "$2") || refuse "\`$2\` is no program: name the Node to run the portal with" 2
version=$("$node" --version) || refuse "\`$node\` does not run" 2
if [ "$(printf '%s\n' v22.19.0 "$version" | sort --version-sort | head -1)" != v22.19.0 ]; then
    refuse "the portal needs Node 22.19 or newer, and \`$node\` is $version" 2
fi
# In a release of Node, in its package of npm, and in that of Debian.
here=$(dirname "$(readlink -f "$node")")
licence=$(find "$here/../LICENSE" "$here"/../node_modules/node-*/LICENSE /usr/share/doc/nodejs/{LICENSE,copyright} -maxdepth 0 -print -quit 2>/dev/null) || true
[ -n "$licence" ] || refuse "there is no licence of \`$node\`: use Node as it is released, or of a package" 2

begin_image
add_system
install -D -m 0755 "$(readlink -f "$node")" "$root/usr/bin/node"
mkdir -p "$root/app" "$root/tmp"
cp -R "$1/." "$root/app/"
chmod -R u=rwX,go=rX "$root/app"
add_licence
mv "$root/app/THIRD-PARTY-NOTICES" "$root/usr/share/doc/dezky/"
install -D -m 0644 "$licence" "$root/usr/share/doc/node/LICENSE"

# Libraries at the paths at which the loader looks for them, and the loader itself. Names of libraries have no blanks.
find "$root/usr/bin/node" "$root/app" -type f \( -name node -o -name '*.node' -o -name '*.so' \) >"$image_work/programs"
while IFS= read -r file; do
    # Addons for other systems say nothing, and are not needed.
    found=$(ldd "$file" 2>/dev/null) || continue
    if missing=$(grep 'not found' <<<"$found"); then
        refuse "libraries of \`${file#"$root"}\` are missing here:$missing"
    fi
    # shellcheck disable=SC2013 # words are what is wanted
    for library in $(sed -nE 's/^[[:space:]]*(.* => )?(\/[^ ]+) \(0x.*$/\2/p' <<<"$found"); do
        [ ! -e "$root$library" ] || continue
        install -D -m 0755 "$(readlink -f "$library")" "$root$library"
        add_copyright "$library"
    done
done <"$image_work/programs"
write_image "$3" dezky-portal --entrypoint '["/usr/bin/node", "/app/server/index.mjs"]' --env NODE_ENV=production --port 3000
