#!/usr/bin/env bash
# Prints the provenance of an image as an in-toto statement (SLSA 1.0), for signing: provenance.sh NAME DIGEST [BUILDER]
#
# NAME is the image without a tag, DIGEST what host.sh, portal.sh or component.sh printed, BUILDER the URI of whoever builds (default: that
# of a person's machine). The working tree must be clean: a statement about something else would be worthless. Needs git, rustc, jq.
set -euo pipefail
cd "$(dirname "$0")/../.."

refuse() {
    echo "provenance.sh: $1" >&2
    exit "${2:-1}"
}

case $# in
    2 | 3) ;;
    *) refuse "usage: provenance.sh NAME DIGEST [BUILDER]" 2 ;;
esac
[[ $2 =~ ^sha256:[0-9a-f]{64}$ ]] || refuse "\`$2\` is no digest: it is sha256: and 64 hexadecimal digits" 2
[[ $1 != *@* && $1 != *:* ]] || refuse "\`$1\` must be the name of an image without tag and digest" 2
command -v jq >/dev/null || refuse "jq is missing: install the package jq"
[ -z "$(git status --porcelain)" ] || refuse "the working tree differs from its commit: commit or remove what \`git status\` shows"

jq --null-input --arg name "$1" --arg digest "${2#sha256:}" --arg builder "${3:-https://dezky.invalid/builders/by-hand}" \
    --arg repository "git+$(git config --get remote.origin.url || echo file://.)" --arg commit "$(git rev-parse HEAD)" \
    --arg cargo "$(sha256sum Cargo.lock | cut -d' ' -f1)" --arg npm "$(sha256sum examples/portal/package-lock.json | cut -d' ' -f1)" \
    --arg rust "$(rustc --version)" --arg when "$(date --utc +%Y-%m-%dT%H:%M:%SZ)" '{
    _type: "https://in-toto.io/Statement/v1",
    subject: [{name: $name, digest: {sha256: $digest}}],
    predicateType: "https://slsa.dev/provenance/v1",
    predicate: {
        buildDefinition: {
            buildType: "https://dezky.invalid/builds/image/v1",
            externalParameters: {repository: $repository, commit: $commit},
            internalParameters: {rust: $rust},
            resolvedDependencies: [
                {uri: $repository, digest: {gitCommit: $commit}},
                {uri: "file:Cargo.lock", digest: {sha256: $cargo}},
                {uri: "file:examples/portal/package-lock.json", digest: {sha256: $npm}}
            ]
        },
        runDetails: {builder: {id: $builder}, metadata: {finishedOn: $when}}
    }
}'
