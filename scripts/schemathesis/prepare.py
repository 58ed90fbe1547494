"""Reads what `dezky dev --json` printed, and prints variables for a shell: where, tokens, and ids that exist."""

import json
import shlex
import sys
import urllib.request

with open(sys.argv[1], encoding="utf-8") as file:
    server = json.load(file)
people = server["people"]


def ask(path, body=None, method=None):
    """The answer to the administrator."""
    request = urllib.request.Request(server["origin"] + path, None if body is None else json.dumps(body).encode())
    request.add_header("Authorization", "Bearer " + people["paul"]["token"])
    if body is not None:
        request.add_header("Content-Type", "application/json")
    if method is not None:
        request.method = method
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


tenant = ask("/tenants")["items"][0]
subscription = ask("/subscriptions")["items"][0]
doomed = ask("/tenants", {"slug": "doomed", "name": "Doomed"})
domain = "schemathesis.eu"
verified = {"name": domain, "verifiedAt": "2026-01-01T00:00:00.000Z"}
ask(f"/tenants/{tenant['id']}", {"domains": [domain, "doomed.eu"], "domainVerifications": [verified]}, "PATCH")


def mailbox(name):
    """The id of a new mailbox of a member."""
    body = {"userId": people["anna"]["id"], "localPart": name, "domain": domain}
    return ask(f"/tenants/{tenant['id']}/mailboxes", body)["id"]


def invitation(name):
    """The id of a new invitation."""
    return ask(f"/tenants/{tenant['id']}/invitations", {"email": f"{name}@example.eu"})["id"]


def endpoint(name):
    """The id of a new endpoint for events."""
    return ask("/event-endpoints", {"tenantId": tenant["id"], "url": f"https://{name}.example/"})["id"]


def api_key(name):
    """The id of a new API key."""
    return ask("/api-keys", {"tenantId": tenant["id"], "name": name, "scopes": ["membership.read"]})["id"]


def pushed(name):
    """The ids of a person and a group that an identity provider has pushed."""
    user = ask("/scim/v2/default/Users", {"userName": name})["id"]
    return {"user": user, "group": ask("/scim/v2/default/Groups", {"displayName": name})["id"]}


known = {
    "tenant": tenant["id"],
    "slug": tenant["slug"],
    "user": people["anna"]["id"],
    "users": people["anna"]["id"],
    "subscriptions": subscription["id"],
    "domain": domain,
    "mailboxes": mailbox("kept"),
    "invitations": invitation("kept"),
    "event-endpoints": endpoint("kept"),
    "api-keys": api_key("kept"),
    "scim": pushed("kept") | {"directory": "default", "type": "User", "schema": "urn:ietf:params:scim:schemas:core:2.0:User"},
    # Has no subscription yet.
    "vacant": ask("/tenants", {"slug": "vacant", "name": "Vacant"})["id"],
    "administrator": people["paul"]["id"],
    # Is a member of nothing yet.
    "newcomer": ask("/users", {"authentikSubjectId": "newcomer"})["id"],
    # What may be deleted.
    "doomed": {
        "tenants": doomed["id"],
        "users": ask("/users", {"authentikSubjectId": "doomed"})["id"],
        "subscriptions": ask("/subscriptions", {"tenantId": doomed["id"]})["id"],
        "mailboxes": mailbox("doomed"),
        "domains": "doomed.eu",
        "invitations": invitation("doomed"),
        "event-endpoints": endpoint("doomed"),
        "api-keys": api_key("doomed"),
        "scim": pushed("doomed"),
    },
}
for name, value in {
    "origin": server["origin"],
    "administrator": people["paul"]["token"],
    "member": people["anna"]["token"],
    "DEZKY_SCHEMATHESIS_KNOWN": json.dumps(known),
}.items():
    print(f"{name}={shlex.quote(value)}")
