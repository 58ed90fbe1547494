#!/bin/sh
# In the place of ../images/local.sh, which builds and loads images.
echo "local.sh $*" >> "$LOG"
[ ! -e "$STATE/build-fails" ] || exit 1
tag=$2
shift 2
for image in "$@"; do touch "$STATE/images/localhost_dezky_$image:$tag"; done
