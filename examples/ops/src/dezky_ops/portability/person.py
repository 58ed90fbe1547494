"""Everything about one person."""

from collections.abc import Iterator
from typing import Any

from dezky import AuditEventView, NotFound, Scope, UserView, to_dict

from ..output import Advance, nobody_watches
from ..people import tenants_of
from .archive import Archive, counted

README = """\
# What Dezky keeps about {who}

Made at the request of the person or of the operator (Articles 15 and 20 of the General Data Protection Regulation),
in an open format, so that the data can be kept, read and moved elsewhere. Times are RFC 3339 in UTC; text is UTF-8;
names of fields are those of the HTTP API.

| file | what is in it |
|---|---|
| `user.json` | the person as the platform knows them: who they are at the issuer, name, address, state |
| `memberships.jsonl` | their memberships in force, one a line: tenant, role, where it came from and when |
| `mailboxes.jsonl` | their mailboxes in these tenants: address, aliases, name, state; not the mail in them |
| `audit-about.jsonl` | what was done to them: who did what and when, and which fields it changed |
| `audit-by.jsonl` | what they did themselves |
| `everything.jsonl` | all that the platform has of them, with the name of its collection; also revoked memberships |
| `manifest.json` | when and by whom this was made, the number of records and the SHA-256 of each file |

Other people stand in the trail by their ids only.

Not in this archive: mail, files and calendars, which are kept by their own systems; what the identity provider keeps
(passwords, devices, sign-ins).

Nothing was locked meanwhile: what was changed between `begun` and `ended` of the manifest may be in one file and not
yet in another.
"""


def export_person(scope: Scope, user: UserView, archive: Archive, advance: Advance = nobody_watches) -> None:
    """Writes the whole archive. The trail of the platform is read from its beginning for what the person did."""
    archive.document("user.json", to_dict(user))
    archive.lines("memberships.jsonl", counted(memberships(scope, user), advance))
    archive.lines("mailboxes.jsonl", counted(mailboxes(scope, user), advance))
    about = scope.audit.list(user_id=user.id)
    archive.lines("audit-about.jsonl", (to_dict(event) for event in counted(about, advance)))
    by = (event for event in counted(scope.audit.list(), advance) if did(user, event))
    archive.lines("audit-by.jsonl", (to_dict(event) for event in by))
    everything = scope.users.export(user.id)
    archive.lines("everything.jsonl", (to_dict(record) for record in counted(everything, advance)))
    archive.finish(README.format(who=user.name or user.email or user.id))


def memberships(scope: Scope, user: UserView) -> Iterator[dict[str, Any]]:
    """Their memberships in force, each with what tells a person which tenant it is."""
    for tenant in tenants_of(scope, user):
        try:
            member = scope.members.get(tenant.id, user.id)
        except NotFound:
            continue
        yield {"tenant": {"id": tenant.id, "slug": tenant.slug, "name": tenant.name}, **to_dict(member)}


def mailboxes(scope: Scope, user: UserView) -> Iterator[dict[str, Any]]:
    """Their mailboxes in the tenants that they belong to."""
    for tenant in tenants_of(scope, user):
        for mailbox in scope.mailboxes.list(tenant.id, user_id=user.id):
            yield to_dict(mailbox)


def did(user: UserView, event: AuditEventView) -> bool:
    """Whether the person did it."""
    return event.actor.user_id == user.id
