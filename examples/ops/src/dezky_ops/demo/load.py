"""Putting an estate into a store. What is there already is left alone, so that a load that was broken off goes on."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from dezky import Conflict, DezkyError, Scope, SubscriptionStatus, TenantStatus

from ..failure import Exit, Failure
from ..output import Advance, nobody_watches
from .estate import Estate

IN_FLIGHT = 256
SEEDED = "dezky"
"""The platform's own tenant, which is there from the first start on."""


@dataclass(slots=True)
class Loaded:
    """How many of each were created, and what was there."""

    tenants: int = 0
    people: int = 0
    memberships: int = 0
    subscriptions: int = 0
    present: int = 0
    """Things that were there already."""
    tenant_ids: dict[str, str] = field(default_factory=dict)
    """By slug."""
    user_ids: dict[str, str] = field(default_factory=dict)
    """By e-mail address."""

    def as_json(self) -> dict[str, int]:
        """For programs."""
        names = ("tenants", "people", "memberships", "subscriptions", "present")
        return {name: getattr(self, name) for name in names}


def foreign_tenants(scope: Scope, estate: Estate) -> list[str]:
    """Slugs of tenants that are in the store and not in the estate, at most ten: perhaps this is no store for a
    demonstration."""
    known = {company.slug for company in estate.companies} | {SEEDED}
    found = []
    for tenant in scope.tenants.list():
        if tenant.slug not in known:
            found.append(tenant.slug)
            if len(found) == 10:
                break
    return found


def load(scope: Scope, estate: Estate, issuer: str = "default", advance: Advance = nobody_watches) -> Loaded:
    """Creates what is missing: tenants, people, memberships and subscriptions, in this order.

    Raises `Failure` when something could not be created; loading again goes on there.
    """
    loaded = Loaded()
    load_tenants(scope, estate, loaded, advance)
    load_people(scope, estate, issuer, loaded, advance)
    load_memberships(scope, estate, loaded, advance)
    load_subscriptions(scope, estate, loaded, advance)
    return loaded


def load_tenants(scope: Scope, estate: Estate, loaded: Loaded, advance: Advance) -> None:
    """The tenants."""
    there = {tenant.slug: tenant.id for tenant in scope.tenants.list()}
    wanted = {company.slug: company for company in estate.companies}
    loaded.tenant_ids = {slug: there[slug] for slug in wanted if slug in there}
    missing = [
        {
            "slug": company.slug,
            "name": company.name,
            "plan": company.plan,
            "status": company.status,
            "domains": [company.domain],
            "authentik_group": company.slug,
            "billing_info": {"company": company.name, "email": f"billing@{company.domain}", "address": company.address},
            "branding": {"primary_color": company.colour},
        }
        for company in estate.companies
        if company.slug not in there
    ]
    for row, tenant in created(scope, scope.tenants.create, missing, advance):
        loaded.tenant_ids[row["slug"]] = tenant.id
    count(loaded, "tenants", len(missing), len(estate.companies), advance)


def load_people(scope: Scope, estate: Estate, issuer: str, loaded: Loaded, advance: Advance) -> None:
    """The people."""
    there = {(user.issuer_id, user.authentik_subject_id): user.id for user in scope.users.list()}
    by_subject = {person.subject: person for person in estate.people.values()}
    loaded.user_ids = {
        person.email: there[(issuer, person.subject)]
        for person in by_subject.values()
        if (issuer, person.subject) in there
    }
    missing = [
        {
            "issuer_id": issuer,
            "authentik_subject_id": person.subject,
            "email": person.email,
            "name": person.name,
            "platform_admin": person.platform_admin,
            "role": "support" if person.platform_admin else "user",
            "status": "disabled" if person.disabled else "active",
        }
        for person in by_subject.values()
        if person.email not in loaded.user_ids
    ]
    for row, user in created(scope, scope.users.create, missing, advance):
        loaded.user_ids[row["email"]] = user.id
    count(loaded, "people", len(missing), len(by_subject), advance)


def load_memberships(scope: Scope, estate: Estate, loaded: Loaded, advance: Advance) -> None:
    """The memberships."""
    there = {
        (tenant, member.user_id) for tenant in set(loaded.tenant_ids.values()) for member in scope.members.list(tenant)
    }
    wanted = [
        {
            "tenant": loaded.tenant_ids[employment.slug],
            "user_id": loaded.user_ids[employment.email],
            "role": employment.role,
        }
        for employment in estate.employments
    ]
    missing = [row for row in wanted if (row["tenant"], row["user_id"]) not in there]
    for _ in created(scope, scope.members.grant, missing, advance):
        pass
    count(loaded, "memberships", len(missing), len(wanted), advance)


def load_subscriptions(scope: Scope, estate: Estate, loaded: Loaded, advance: Advance) -> None:
    """The subscriptions."""
    there = {
        subscription.tenant_id
        for subscription in scope.subscriptions.list()
        if subscription.status != SubscriptionStatus.CANCELLED
    }
    missing = [
        {
            "tenant_id": loaded.tenant_ids[company.slug],
            "plan": company.plan,
            "status": company.subscription,
            "seats": company.seats,
        }
        for company in estate.companies
        if loaded.tenant_ids[company.slug] not in there
    ]
    for _ in created(scope, scope.subscriptions.create, missing, advance):
        pass
    count(loaded, "subscriptions", len(missing), len(estate.companies), advance)


def created(
    scope: Scope, method: Any, rows: list[dict[str, Any]], advance: Advance
) -> Iterable[tuple[Mapping[str, Any], Any]]:
    """Each row with what became of it.

    Raises `Failure` at the first that could not be created.
    """
    for row, outcome in zip(rows, scope.each(method, rows, concurrency=IN_FLIGHT), strict=True):
        advance(1)
        if isinstance(outcome, Conflict) and outcome.code == "slug_taken":
            message = f"`{row['slug']}` belongs to another tenant, or to one that is deleted: load with another --seed"
            raise Failure(Exit.CONFLICT, "slug_taken", message)
        if isinstance(outcome, DezkyError):
            raise outcome
        yield row, outcome


def count(loaded: Loaded, name: str, missing: int, wanted: int, advance: Advance) -> None:
    """Takes down how many of something were created."""
    setattr(loaded, name, missing)
    loaded.present += wanted - missing
    advance(wanted - missing)


def is_empty(scope: Scope) -> bool:
    """Whether no tenant is there but the platform's own."""
    slugs = {tenant.slug for status in (None, TenantStatus.DELETED) for tenant in scope.tenants.list(status=status)}
    return slugs <= {SEEDED}
