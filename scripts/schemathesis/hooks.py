"""Leads generated requests to documents that exist, keeps the run alive, and says what may stand against a valid request."""

import atexit
import json
import os
from collections import Counter

import schemathesis
from schemathesis import GenerationMode

# Names of path parameters or tags, with an id that exists.
KNOWN = json.loads(os.environ["DEZKY_SCHEMATHESIS_KNOWN"])
ABSENT = "0" * 24
# Bodies that fit the documents that exist: chance alone finds one in some runs only.
PLAIN = {
    "POST /tenants": {"slug": "plain", "name": "Plain"},
    "PATCH /tenants/{tenant}": {"name": "Renamed"},
    "DELETE /tenants/{tenant}": None,
    "POST /tenants/{tenant}/suspend": None,
    "POST /tenants/{tenant}/restore": None,
    "POST /tenants/{tenant}/members": {"userId": KNOWN["newcomer"], "role": "admin"},
    "PATCH /tenants/{tenant}/members/{user}": {"role": "owner"},
    "DELETE /tenants/{tenant}/members/{user}": None,
    "POST /tenants/{tenant}/workspace/retry": None,
    "POST /tenants/{tenant}/workspace/check": None,
    "POST /tenants/{tenant}/workspace/{system}/confirm": None,
    "POST /tenants/{tenant}/invitations": {"email": "plain@example.eu"},
    "POST /tenants/{tenant}/invitations/bulk": {"invitations": [{"email": "bulk@example.eu"}]},
    "POST /tenants/{tenant}/invitations/{id}/resend": None,
    "DELETE /tenants/{tenant}/invitations/{id}": None,
    "POST /tenants/{tenant}/mailboxes": {"userId": KNOWN["user"], "localPart": "plain", "domain": KNOWN["domain"]},
    "PATCH /tenants/{tenant}/mailboxes/{id}": {"displayName": "Renamed"},
    "DELETE /tenants/{tenant}/mailboxes/{id}": None,
    "POST /tenants/{tenant}/mailboxes/{id}/app-passwords": {"name": "Phone"},
    "DELETE /tenants/{tenant}/mailboxes/{id}/app-passwords/{password}": None,
    "POST /api-keys": {"tenantId": KNOWN["tenant"], "name": "Plain", "scopes": ["membership.read"]},
    "PATCH /api-keys/{id}": {"name": "Renamed"},
    "POST /api-keys/{id}/rotate": {},
    "DELETE /api-keys/{id}": None,
    "POST /tenants/{tenant}/domains": {"name": "plain.example"},
    "DELETE /tenants/{tenant}/domains/{domain}": None,
    "POST /tenants/{tenant}/domains/{domain}/check": None,
    "POST /event-endpoints": {"tenantId": KNOWN["tenant"], "url": "https://hooks.example/"},
    "PATCH /event-endpoints/{id}": {"active": False},
    "DELETE /event-endpoints/{id}": None,
    "POST /event-endpoints/{id}/rotate": None,
    "POST /event-endpoints/{id}/replay": {},
    "GET /scim/v2/{directory}/ResourceTypes/{type}": None,
    "GET /scim/v2/{directory}/Schemas/{schema}": None,
    "POST /scim/v2/{directory}/.search": {"count": 1},
    "GET /scim/v2/{directory}/Users": None,
    "POST /scim/v2/{directory}/Users": {"userName": "plain"},
    "POST /scim/v2/{directory}/Users/.search": {"count": 1},
    "GET /scim/v2/{directory}/Users/{user}": None,
    "PUT /scim/v2/{directory}/Users/{user}": {"userName": "kept"},
    "PATCH /scim/v2/{directory}/Users/{user}": {"Operations": [{"op": "replace", "path": "displayName", "value": "Renamed"}]},
    "DELETE /scim/v2/{directory}/Users/{user}": None,
    "GET /scim/v2/{directory}/Groups": None,
    "POST /scim/v2/{directory}/Groups": {"displayName": "plain"},
    "POST /scim/v2/{directory}/Groups/.search": {"count": 1},
    "GET /scim/v2/{directory}/Groups/{group}": None,
    "PUT /scim/v2/{directory}/Groups/{group}": {"displayName": "replaced"},
    "PATCH /scim/v2/{directory}/Groups/{group}": {"Operations": [{"op": "replace", "path": "displayName", "value": "renamed"}]},
    "DELETE /scim/v2/{directory}/Groups/{group}": None,
    "POST /users": {"authentikSubjectId": "plain"},
    "PATCH /users/{id}": {"name": "Renamed"},
    "DELETE /users/{id}": None,
    "POST /subscriptions": {"tenantId": KNOWN["vacant"]},
    "PATCH /subscriptions/{id}": {"seats": 1000},
    "DELETE /subscriptions/{id}": None,
}
# What stands against a valid request of the administrator, and no schema can say. 400: a cursor or a logout token is a text that
# only its maker can make. 403: who administers by a group alone makes and unmakes no administrators by grant. 404: an id is
# made up. 409: something is there already, or deleted. 412: a made-up entity tag is that of another version. 422: reserved slugs, registered domains, direction marks in names and in what is searched for, fields that must fit each other, and keys
# that came with another request before; each is named in `errors` or by its code.
REFUSALS = {
    "GET /launcher": {404, 422},
    "GET /launcher/certificate": {404, 422},
    "POST /oidc/backchannel-logout": {400},
    "GET /users/me": set(),
    "GET /users/me/tenants": {400, 422},
    "GET /tenants": {400, 422},
    "POST /tenants": {409, 422},
    "GET /tenants/{tenant}": {404},
    "PATCH /tenants/{tenant}": {404, 409, 412, 422},
    "DELETE /tenants/{tenant}": {404, 409, 412},
    "POST /tenants/{tenant}/suspend": {404, 409, 412, 422},
    "POST /tenants/{tenant}/restore": {404, 409, 412, 422},
    "GET /tenants/{tenant}/members": {400, 404, 422},
    "POST /tenants/{tenant}/members": {404, 409, 422},
    "GET /tenants/{tenant}/members/{user}": {404},
    "PATCH /tenants/{tenant}/members/{user}": {404, 409, 412},
    "DELETE /tenants/{tenant}/members/{user}": {404, 412},
    "GET /tenants/{tenant}/entitlements": {404},
    "GET /tenants/{tenant}/plans": {404},
    "GET /tenants/{tenant}/workspace": {404},
    "POST /tenants/{tenant}/workspace/retry": {404, 409, 422},
    "POST /tenants/{tenant}/workspace/check": {404, 409, 422},
    "POST /tenants/{tenant}/workspace/{system}/confirm": {404, 409, 422},
    "GET /tenants/{tenant}/invitations": {400, 404, 422},
    "POST /tenants/{tenant}/invitations": {404, 409, 422},
    "POST /tenants/{tenant}/invitations/bulk": {404, 422},
    "GET /tenants/{tenant}/invitations/{id}": {404},
    "DELETE /tenants/{tenant}/invitations/{id}": {404, 409, 412},
    "POST /tenants/{tenant}/invitations/{id}/resend": {404, 409, 412, 422},
    "POST /invitations/accept": {404, 422},
    "POST /tenants/{tenant}/billing/checkout": {404, 409, 422},
    "POST /tenants/{tenant}/billing/portal": {404, 409},
    "POST /subscriptions/{id}/billing": {404, 409, 422},
    "POST /billing/stripe/webhook": {400, 409},
    "POST /invitations/preview": {404, 422},
    "GET /tenants/{tenant}/mailboxes": {400, 404, 422},
    "POST /tenants/{tenant}/mailboxes": {404, 409, 422},
    "GET /tenants/{tenant}/mailboxes/{id}": {404},
    "PATCH /tenants/{tenant}/mailboxes/{id}": {404, 409, 412, 422},
    "DELETE /tenants/{tenant}/mailboxes/{id}": {404, 409, 412},
    "GET /tenants/{tenant}/mailboxes/{id}/app-passwords": {400, 404, 422},
    "POST /tenants/{tenant}/mailboxes/{id}/app-passwords": {403, 404, 409, 422},
    "DELETE /tenants/{tenant}/mailboxes/{id}/app-passwords/{password}": {404, 412},
    "GET /tenants/{tenant}/domains": {400, 404, 422},
    "POST /tenants/{tenant}/domains": {404, 409, 422},
    "GET /tenants/{tenant}/domains/{domain}": {404},
    "DELETE /tenants/{tenant}/domains/{domain}": {404, 409, 412},
    "POST /tenants/{tenant}/domains/{domain}/check": {404, 409, 412, 422, 429},
    "GET /.well-known/authzen-configuration": set(),
    "POST /access/v1/evaluation": {400},
    "POST /access/v1/evaluations": {400},
    "POST /access/v1/search/subject": {400},
    "POST /access/v1/search/resource": {400},
    "POST /access/v1/search/action": {400},
    "GET /api-keys": {400, 404, 422},
    "POST /api-keys": {403, 404, 409, 422},
    "GET /api-keys/{id}": {404},
    "PATCH /api-keys/{id}": {403, 404, 412, 422},
    "DELETE /api-keys/{id}": {403, 404, 412},
    "POST /api-keys/{id}/rotate": {403, 404, 409, 422},
    "GET /events": {400, 404, 422},
    "GET /event-endpoints": {400, 404, 422},
    "POST /event-endpoints": {404, 409, 422},
    "GET /event-endpoints/{id}": {404},
    "PATCH /event-endpoints/{id}": {404, 409, 412, 422},
    "DELETE /event-endpoints/{id}": {404, 412},
    "POST /event-endpoints/{id}/rotate": {404, 409, 412, 422},
    "GET /event-endpoints/{id}/deliveries": {400, 404, 422},
    "POST /event-endpoints/{id}/replay": {404, 409, 422},
    "GET /scim/v2/{directory}/ServiceProviderConfig": set(),
    "GET /scim/v2/{directory}/ResourceTypes": set(),
    "GET /scim/v2/{directory}/ResourceTypes/{type}": {404},
    "GET /scim/v2/{directory}/Schemas": set(),
    "GET /scim/v2/{directory}/Schemas/{schema}": {404},
    "POST /scim/v2/{directory}/.search": {400, 403, 404},
    "GET /scim/v2/{directory}/Users": {400, 403, 404},
    "POST /scim/v2/{directory}/Users": {400, 403, 404, 409},
    "POST /scim/v2/{directory}/Users/.search": {400, 403, 404},
    "GET /scim/v2/{directory}/Users/{user}": {403, 404},
    "PUT /scim/v2/{directory}/Users/{user}": {400, 403, 404, 409, 412},
    "PATCH /scim/v2/{directory}/Users/{user}": {400, 403, 404, 409, 412},
    "DELETE /scim/v2/{directory}/Users/{user}": {403, 404, 412},
    "GET /scim/v2/{directory}/Groups": {400, 403, 404},
    "POST /scim/v2/{directory}/Groups": {400, 403, 404, 409},
    "POST /scim/v2/{directory}/Groups/.search": {400, 403, 404},
    "GET /scim/v2/{directory}/Groups/{group}": {403, 404},
    "PUT /scim/v2/{directory}/Groups/{group}": {400, 403, 404, 409, 412},
    "PATCH /scim/v2/{directory}/Groups/{group}": {400, 403, 404, 409, 412},
    "DELETE /scim/v2/{directory}/Groups/{group}": {403, 404, 412},
    "GET /users": {400, 422},
    "POST /users": {403, 409, 422},
    "GET /users/{id}": {404},
    "GET /users/{id}/export": {400, 404, 422},
    "GET /tenants/{tenant}/export": {400, 404, 422},
    "PATCH /users/{id}": {403, 404, 409, 412, 422},
    "DELETE /users/{id}": {403, 404, 409, 412},
    "GET /subscriptions": {400, 422},
    "POST /subscriptions": {404, 409, 422},
    "GET /subscriptions/{id}": {404},
    "PATCH /subscriptions/{id}": {404, 409, 412, 422},
    "DELETE /subscriptions/{id}": {404, 409, 412},
    "GET /audit": {400, 404, 422},
    "GET /audit/head": {404, 422},
}
# Members may not do all of that, and do not see all.
REFUSALS_OF_MEMBERS = {403, 404}
CALLER = os.environ["DEZKY_SCHEMATHESIS_CALLER"]

# How often each is tried: what others have done by then may stand against the first.
TRIES = 3
untried = Counter(dict.fromkeys(PLAIN, TRIES))


def known(case, name):
    """The id that a path parameter is given."""
    resource = case.operation.path.strip("/").split("/")[0]
    if case.operation.path.startswith("/scim/"):
        pushed = KNOWN["doomed"]["scim"] if case.method == "DELETE" else KNOWN["scim"]
        return pushed.get(name, KNOWN["scim"].get(name))
    if "/domains" in case.operation.path:
        return KNOWN["doomed"]["domains"] if case.method == "DELETE" and name == "domain" else KNOWN.get(name)
    if "/invitations" in case.operation.path:
        invitation = KNOWN["doomed"]["invitations"] if case.method == "DELETE" else KNOWN["invitations"]
        return invitation if name == "id" else KNOWN.get(name)
    if "/mailboxes" in case.operation.path:
        mailbox = KNOWN["doomed"]["mailboxes"] if case.method == "DELETE" else KNOWN["mailboxes"]
        # Nobody but a mail system makes app passwords.
        return mailbox if name == "id" else KNOWN.get(name)
    if case.method == "DELETE" and name != "user" and "members" not in case.operation.path:
        return KNOWN["doomed"].get(resource)
    if name in ("tenant", "user"):
        return KNOWN[name]
    return KNOWN.get(resource)


@schemathesis.hook
def map_case(context, case):
    """In every other generated case an id is one that exists: a random one never is."""
    for name, value in (case.path_parameters or {}).items():
        here = known(case, name)
        if here is not None and sum(str(value).encode()) % 2 == 0:
            case.path_parameters[name] = here
    if isinstance(case.body, dict) and isinstance(case.body.get("tenantId"), str):
        if len(case.body["tenantId"]) == len(ABSENT) and len(case.body) % 2 == 0:
            case.body["tenantId"] = KNOWN["vacant"]
    return case


@schemathesis.hook
def before_call(context, case, **kwargs):
    """Whoever asks must stay, and what others are led to: the deletion of these would end the run in 403 and 404."""
    name = operation(case)
    if untried[name] > 0 and is_valid(case):
        make_plain(case, name)
    if case.method not in ("DELETE", "PATCH") or not case.path_parameters:
        return
    last = case.operation.path.split("/")[-1].strip("{}")
    kept = {KNOWN["administrator"]}
    if case.method == "DELETE" and not case.operation.path.startswith("/tenants/{tenant}/"):
        kept.update(value for value in KNOWN.values() if isinstance(value, str))
    if case.path_parameters.get(last) in kept:
        case.path_parameters[last] = ABSENT


def is_valid(case):
    """Whether the request is one that the document allows."""
    return case.meta is not None and case.meta.generation.mode == GenerationMode.POSITIVE


@schemathesis.check
def valid_requests_are_refused_for_a_reason(context, response, case):
    """A request that the document allows succeeds, or meets what a schema cannot say of this operation."""
    if is_valid(case) and response.status_code >= 400:
        allowed = REFUSALS[operation(case)] | (REFUSALS_OF_MEMBERS if CALLER == "member" else set())
        assert response.status_code in allowed, f"{response.status_code} is none of {sorted(allowed)}"


def operation(case):
    """Method and path as the document has them."""
    return f"{case.operation.method.upper()} {case.operation.path}"


def make_plain(case, name):
    """One of the first valid requests of its kind is one that nothing stands against."""
    untried[name] -= 1
    case.path_parameters = {parameter: known(case, parameter) for parameter in case.path_parameters or {}}
    if name == "DELETE /tenants/{tenant}/members/{user}":
        case.path_parameters["user"] = KNOWN["newcomer"]
    if PLAIN[name] is not None:
        case.body = PLAIN[name]
    for header in ("If-Match", "Idempotency-Key"):
        (case.headers or {}).pop(header, None)


answers = Counter()


@schemathesis.hook
def after_call(context, case, response):
    """Counts the answers of each operation, so that the script can tell what was not reached."""
    answers[f"{operation(case)} {response.status_code}"] += 1
    if 200 <= response.status_code < 300:
        untried[operation(case)] = 0


@atexit.register
def write_answers():
    with open(os.environ["DEZKY_SCHEMATHESIS_ANSWERS"], "w", encoding="utf-8") as file:
        json.dump(answers, file)
