"""Tells how far the runs came: fails when an operation of the document never answered with success."""

import json
import sys
from collections import Counter

UNREACHABLE = {
    # Needs a token that only an identity provider can make; core/tests/logout.rs and its cases do that.
    "POST /oidc/backchannel-logout",
    # Need the secret of a mail; core/tests/invitations and its cases have one.
    "POST /invitations/accept",
    "POST /invitations/preview",
    # Need systems behind tenants, which change tenants by themselves meanwhile; core/tests/workspace does that.
    "POST /tenants/{tenant}/workspace/{system}/confirm",
    "POST /tenants/{tenant}/mailboxes/{id}/app-passwords",
    "DELETE /tenants/{tenant}/mailboxes/{id}/app-passwords/{password}",
    # Needs DNS servers that know a claim; core/tests/domain_dns.rs does that.
    "POST /tenants/{tenant}/domains/{domain}/check",
    # Need a payment provider; core/tests/billing does that.
    "POST /tenants/{tenant}/billing/checkout",
    "POST /tenants/{tenant}/billing/portal",
    "POST /subscriptions/{id}/billing",
    "POST /billing/stripe/webhook",
    # Needs the host name of a launcher; core/tests/cases/domains.json does that.
    "GET /launcher/certificate",
}
METHODS = {"get", "put", "post", "delete", "options", "head", "patch", "trace"}


def read(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


document, answers = read(sys.argv[1]), read(sys.argv[2])
operations = {
    f"{method.upper()} {path}" for path, item in document["paths"].items() for method in item if method in METHODS
}
succeeded, statuses = set(), Counter()
for key, count in answers.items():
    method, path, status = key.split(" ")
    statuses[status] += count
    if status.startswith("2"):
        succeeded.add(f"{method} {path}")
print(f"{sum(statuses.values())} requests:", ", ".join(f"{count} × {status}" for status, count in sorted(statuses.items())))
if unknown := UNREACHABLE - operations:
    sys.exit("the document has these no more: " + ", ".join(sorted(unknown)))
if missing := operations - succeeded - UNREACHABLE:
    sys.exit("no success was seen of: " + ", ".join(sorted(missing)))
