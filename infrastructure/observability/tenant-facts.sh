#!/usr/bin/env bash
# Writes facts about tenants for the textfile collector of Prometheus' node exporter: tenant-facts.sh FOLDER [COMMAND...]
#
# The release itself tells nothing by tenant at /metrics: a platform of many would have as many series in every process. This asks it
# for each tenant once an hour: seats that are agreed on and used, and phases of the systems. Slugs are the only names in it.
# COMMAND runs the release (dezky).
set -euo pipefail

folder=${1:?name the folder of the textfile collector}
dezky=("${@:2}")
[ ${#dezky[@]} -gt 0 ] || dezky=(dezky)
new=$(mktemp "$folder/.dezky-tenants.XXXXXX")
trap 'rm -f "$new"' EXIT

tenants=$("${dezky[@]}" tenant list --all --json --as metrics | jq --raw-output .slug)
for tenant in $tenants; do
    "${dezky[@]}" tenant entitlements "$tenant" --as metrics --json | jq --raw-output --arg tenant "$tenant" '
        "dezky_tenant_seats_used{tenant=\"\($tenant)\"} \(.seats.used)",
        (.seats.limit // empty | "dezky_tenant_seats{tenant=\"\($tenant)\"} \(.)")'
    "${dezky[@]}" workspace show "$tenant" --as metrics --json | jq --raw-output --arg tenant "$tenant" '
        [.systems[], .parts[]] | group_by([.system, .phase])[]
        | "dezky_tenant_systems{tenant=\"\($tenant)\",system=\"\(.[0].system)\",phase=\"\(.[0].phase)\"} \(length)"'
done | sort >"$new"
# Only a whole run has this: facts of before stay until then, and their age shows.
printf 'dezky_tenant_facts_last_success_timestamp_seconds{} %s\n' "$(date +%s)" >>"$new"
chmod 644 "$new"
mv "$new" "$folder/dezky-tenants.prom"
trap - EXIT
