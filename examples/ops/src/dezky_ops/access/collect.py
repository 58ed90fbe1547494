"""Facts from the store, and the core's decisions over them. No rule is written here."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby

from dezky import DezkyError, MembershipView, NotFound, Right, Scope, TenantView, UserView

from ..output import Advance, nobody_watches
from ..people import tenants_of

ORDER = ("platform admin", "owner", "admin", "member", "none")
"""What somebody can be to a tenant, the strongest first."""


@dataclass(frozen=True, slots=True)
class Access:
    """What one person may do in one tenant, or on the platform."""

    person: UserView
    tenant: TenantView | None
    """None: the platform itself."""
    relation: str
    """What the person is to it: one of `ORDER`."""
    source: str | None
    """Where that comes from: `claim`, `grant` or `invitation`."""
    since: datetime | None
    rights: tuple[Right, ...]
    """A decision for each action, in the order of the policy."""

    @property
    def profile(self) -> tuple[object, ...]:
        """Equal for those who may do the same for the same reasons."""
        return (ORDER.index(self.relation), *((right.action, right.outcome, right.reason) for right in self.rights))


@dataclass(frozen=True, slots=True)
class Report:
    """Who may do what."""

    subject: str
    """`tenant`, `person` or `platform`."""
    title: str
    made: datetime
    accesses: tuple[Access, ...]
    """By tenant, then by relation, then by name."""

    def profiles(self) -> Iterator[tuple[Access, list[Access]]]:
        """Those who may do the same for the same reasons: one of them for all, and all."""
        ordered = sorted(self.accesses, key=lambda access: tuple(map(str, access.profile)))
        for _, alike in groupby(ordered, key=lambda access: access.profile):
            members = list(alike)
            yield members[0], members


def of_tenant(scope: Scope, tenant: TenantView, advance: Advance = nobody_watches) -> Report:
    """Everybody who may do anything in a tenant: its members, and the administrators of the platform."""
    accesses = [*members_of(scope, tenant, advance)]
    members = {access.person.id for access in accesses}
    admins = [user for user in administrators(scope, advance) if user.id not in members]
    accesses += decided(scope, ((user, tenant, None) for user in admins))
    return Report("tenant", f"Who may do what in {tenant.name}", datetime.now(UTC), ordered(accesses))


def of_person(scope: Scope, user: UserView, advance: Advance = nobody_watches) -> Report:
    """Everything that a person may do: on the platform, and in each tenant in which they are."""
    wanted: list[Wanted] = [(user, None, None)]
    for tenant in tenants_of(scope, user):
        try:
            wanted.append((user, tenant, scope.members.get(tenant.id, user.id)))
        except NotFound:
            continue
        advance(1)
    title = f"What {user.name or user.email or user.id} may do"
    return Report("person", title, datetime.now(UTC), ordered(decided(scope, wanted)))


def of_platform(scope: Scope, advance: Advance = nobody_watches) -> Report:
    """Everybody who may do anything anywhere: the members of each tenant, and the administrators of the platform, whose
    rights are the same in every tenant and are told once."""
    accesses = list(decided(scope, ((user, None, None) for user in administrators(scope, advance))))
    for tenant in scope.tenants.list():
        accesses += members_of(scope, tenant, advance)
    return Report("platform", "Who may do what on the platform", datetime.now(UTC), ordered(accesses))


Wanted = tuple[UserView, TenantView | None, MembershipView | None]
"""A person, before a tenant or the platform, and their membership if they have one."""


def members_of(scope: Scope, tenant: TenantView, advance: Advance) -> Iterator[Access]:
    """The members of a tenant with their rights."""
    members = list(scope.members.list(tenant.id))
    users = succeeded(scope.each(scope.users.get, ({"id": member.user_id} for member in members)))
    known = {user.id: user for user in users}
    there = [(known[member.user_id], tenant, member) for member in members if member.user_id in known]
    for access in decided(scope, there):
        advance(1)
        yield access


def administrators(scope: Scope, advance: Advance) -> Iterator[UserView]:
    """Those who administer the platform. All users are looked at: no list has only these."""
    for user in scope.users.list():
        advance(1)
        if user.platform_admin:
            yield user


def decided(scope: Scope, wanted: Iterable[Wanted]) -> Iterator[Access]:
    """The core's decisions for each person."""
    # Most people may do the same for the same reasons: what is equal is kept once.
    known: dict[tuple[Right, ...], tuple[Right, ...]] = {}
    for user, tenant, member in wanted:
        try:
            found = scope.rights(user.id, tenant.id if tenant is not None else None)
        except NotFound:
            continue  # gone meanwhile
        relation, source, since = str(found.role or "none"), found.source, None
        if user.platform_admin:
            relation, source = "platform admin", user.platform_admin_source
        elif member is not None:
            since = member.changed_at
        yield Access(
            user,
            tenant,
            relation,
            str(source) if source is not None else None,
            since,
            known.setdefault(found.rights, found.rights),
        )


def succeeded(outcomes: Iterable[UserView | DezkyError]) -> Iterator[UserView]:
    """Those who are still there."""
    for outcome in outcomes:
        if isinstance(outcome, NotFound):
            continue
        if isinstance(outcome, DezkyError):
            raise outcome
        yield outcome


def ordered(accesses: Iterable[Access]) -> tuple[Access, ...]:
    """The platform first, then tenants by name; the strongest relation first."""

    def key(access: Access) -> tuple[str, int, str, str]:
        tenant = access.tenant
        name = f"1{tenant.name.casefold()}{tenant.id}" if tenant is not None else "0"
        return (name, ORDER.index(access.relation), (access.person.name or "").casefold(), access.person.id)

    return tuple(sorted(accesses, key=key))
