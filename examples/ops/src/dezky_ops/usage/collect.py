"""What the store tells of use. Only numbers are kept, so that a large platform needs little memory."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from dezky import Scope, SubscriptionStatus, TenantStatus, TenantView

from ..output import Advance, nobody_watches
from .series import Interval, Life, Series, count_over_time, fitting, moments

ENDED = SubscriptionStatus.CANCELLED


@dataclass(slots=True)
class Usage:
    """Numbers of a platform."""

    since: datetime
    until: datetime
    interval: Interval
    tenants: Series
    """By the plan that each has today."""
    people: Series
    """By whether they may call today: `active` or `disabled`."""
    seats: Series
    """Seats of subscriptions that are not cancelled, by the plan that each has today."""
    statuses: Counter[str] = field(default_factory=Counter)
    """Tenants by their state today, deleted ones too."""
    subscriptions: Counter[str] = field(default_factory=Counter)
    """Subscriptions by their state today."""
    sizes: list[tuple[str, int, int]] = field(default_factory=list)
    """The largest tenants: name, members, seats."""


def collect(
    scope: Scope,
    since: datetime | None = None,
    until: datetime | None = None,
    interval: Interval | None = None,
    largest: int = 10,
    advance: Advance = nobody_watches,
) -> Usage:
    """Reads all tenants, people and subscriptions, and counts them at the beginning of the period and at the end of
    each step of it. Without a beginning it begins with the first tenant, without an end it ends now."""
    until = until or datetime.now(UTC)
    statuses: Counter[str] = Counter()
    tenants: list[Life] = []
    names: dict[str, str] = {}
    for tenant in every_tenant(scope):
        statuses[str(tenant.status)] += 1
        tenants.append(Life(tenant.created_at, tenant.deleted_at, tenant.plan or "none"))
        if tenant.status != TenantStatus.DELETED:
            names[tenant.id] = tenant.name
        advance(1)
    people: list[Life] = []
    for user in scope.users.list():
        kind = "active" if user.deleted_at is not None else str(user.status)
        people.append(Life(user.created_at, user.deleted_at, kind))
        advance(1)
    states: Counter[str] = Counter()
    seats: list[Life] = []
    seats_of: dict[str, int] = {}
    for subscription in scope.subscriptions.list():
        states[str(subscription.status)] += 1
        # A cancelled subscription is not written any more: its last change was the cancellation.
        ended = subscription.updated_at if subscription.status == ENDED else None
        seats.append(Life(subscription.created_at, ended, subscription.plan, subscription.seats))
        if ended is None:
            seats_of[subscription.tenant_id] = subscription.seats
        advance(1)
    began = since or min((life.began for life in (*tenants, *people)), default=until)
    interval = interval or fitting(began, until)
    at = moments(began, until, interval)
    return Usage(
        began,
        until,
        interval,
        count_over_time(tenants, at),
        count_over_time(people, at),
        count_over_time(seats, at),
        statuses,
        states,
        sizes(scope, names, seats_of, largest, advance),
    )


def every_tenant(scope: Scope) -> Iterator[TenantView]:
    """All tenants, deleted ones too."""
    yield from scope.tenants.list()
    yield from scope.tenants.list(status=TenantStatus.DELETED)


def sizes(
    scope: Scope, names: dict[str, str], seats: dict[str, int], largest: int, advance: Advance
) -> list[tuple[str, int, int]]:
    """The tenants with the most members."""
    counted = []
    for tenant, name in names.items() if largest else ():
        counted.append((name, sum(1 for _ in scope.members.list(tenant)), seats.get(tenant, 0)))
        advance(1)
    return sorted(counted, key=lambda size: (-size[1], size[0].casefold()))[:largest]
