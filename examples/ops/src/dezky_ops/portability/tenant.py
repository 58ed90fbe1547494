"""Everything about one tenant."""

from collections.abc import Iterator
from typing import Any

from dezky import NotFound, Scope, TenantView, to_dict

from ..output import Advance, nobody_watches
from .archive import Archive, counted

README = """\
# Export of the tenant `{slug}` from Dezky

Made at the request of the operator or of the tenant, in an open format, so that the data can be kept, read and moved
elsewhere. Times are RFC 3339 in UTC; text is UTF-8; names of fields are those of the HTTP API.

| file | what is in it |
|---|---|
| `tenant.json` | the tenant: name, state, plan, domains, billing, branding, handles of the systems behind it |
| `members.jsonl` | its members, one a line: name, e-mail address, role, where it came from and when |
| `people.jsonl` | the same people as the platform knows them: issuer, subject at the issuer, name, address, state |
| `mailboxes.jsonl` | its mailboxes: address, aliases, name, whose, state; not the mail in them |
| `subscriptions.jsonl` | its subscriptions, the cancelled ones too |
| `audit.jsonl` | its audit trail, the newest first: who did what and when, and which fields it changed |
| `everything.jsonl` | all that the platform has, with the name of its collection; also revoked memberships and seals |
| `manifest.json` | when and by whom this was made, the number of records and the SHA-256 of each file |

`people.jsonl` leaves out what belongs to other tenants and to the platform: in which other tenants a person is, and
whether they administer the platform.

`dezky-ops verify-trail` verifies the audit trail in this archive without the platform.

Not in this archive: mail, files and calendars, which are kept by their own systems.

The tenant was not locked meanwhile. What was changed between `begun` and `ended` of the manifest may be in one file
and not yet in another; the audit trail tells of it.
"""

OF_A_PERSON = ("id", "issuerId", "authentikSubjectId", "email", "name", "status", "createdAt", "updatedAt")
"""What a tenant is told of a person. Everything else is of other tenants or of the platform."""


def export_tenant(scope: Scope, tenant: TenantView, archive: Archive, advance: Advance = nobody_watches) -> None:
    """Writes the whole archive."""
    archive.document("tenant.json", to_dict(tenant))
    people: list[str] = []

    def members() -> Iterator[dict[str, Any]]:
        for member in counted(scope.members.list(tenant.id), advance):
            people.append(member.user_id)
            yield to_dict(member)

    archive.lines("members.jsonl", members())
    archive.lines("people.jsonl", counted(people_of(scope, people), advance))
    mailboxes = scope.mailboxes.list(tenant.id)
    archive.lines("mailboxes.jsonl", (to_dict(mailbox) for mailbox in counted(mailboxes, advance)))
    subscriptions = scope.subscriptions.list(tenant_id=tenant.id)
    archive.lines("subscriptions.jsonl", (to_dict(subscription) for subscription in counted(subscriptions, advance)))
    events = scope.audit.list(tenant=tenant.id)
    archive.lines("audit.jsonl", (to_dict(event) for event in counted(events, advance)))
    everything = scope.tenants.export(tenant.id)
    archive.lines("everything.jsonl", (to_dict(record) for record in counted(everything, advance)))
    archive.finish(README.format(slug=tenant.slug))


def people_of(scope: Scope, ids: list[str]) -> Iterator[dict[str, Any]]:
    """The people with these ids, as a tenant may see them; those who were erased meanwhile are left out."""
    for user in scope.each(scope.users.get, ({"id": user_id} for user_id in ids)):
        if isinstance(user, NotFound):
            continue
        if isinstance(user, Exception):
            raise user
        document = to_dict(user)
        yield {name: document[name] for name in OF_A_PERSON if name in document}
