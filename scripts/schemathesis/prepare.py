"""Reads what `dezky dev --json` printed, and prints variables for a shell: where, tokens, and ids that exist."""

import json
import shlex
import sys
import urllib.request

with open(sys.argv[1], encoding="utf-8") as file:
    server = json.load(file)
people = server["people"]


def first(path):
    """The first item of a list, as the administrator sees it."""
    request = urllib.request.Request(server["origin"] + path)
    request.add_header("Authorization", "Bearer " + people["paul"]["token"])
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)["items"][0]


tenant = first("/tenants")
known = {
    "tenant": tenant["id"],
    "slug": tenant["slug"],
    "user": people["anna"]["id"],
    "users": people["anna"]["id"],
    "subscriptions": first("/subscriptions")["id"],
    "administrator": people["paul"]["id"],
}
for name, value in {
    "origin": server["origin"],
    "administrator": people["paul"]["token"],
    "member": people["anna"]["token"],
    "DEZKY_SCHEMATHESIS_KNOWN": json.dumps(known),
}.items():
    print(f"{name}={shlex.quote(value)}")
