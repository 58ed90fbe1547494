"""Ends all access of a person, and proves it by what the store and the policy say afterwards."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from dezky import (
    AuditEventView,
    Dezky,
    DezkyError,
    NotFound,
    Scope,
    TenantView,
    UserStatus,
    UserView,
)

from .people import tenants_of

ROUNDS = 5
"""How often memberships are looked for: a sign-in that was under way may have made one."""


@dataclass(frozen=True, slots=True)
class Check:
    """Something that must hold for the access to be over."""

    what: str
    before: str
    after: str
    holds: bool

    def as_json(self) -> dict[str, object]:
        """For programs."""
        return {"check": self.what, "before": self.before, "after": self.after, "holds": self.holds}


@dataclass(slots=True)
class Revocation:
    """What was done, and the proof."""

    person: UserView
    tenants: list[TenantView]
    """Where the person had a membership."""
    revoked: list[str] = field(default_factory=list)
    """Slugs of the tenants in which a membership was revoked."""
    checks: list[Check] = field(default_factory=list)
    events: list[AuditEventView] = field(default_factory=list)
    """What the audit trail says of it."""

    @property
    def proven(self) -> bool:
        """Whether everything holds."""
        return bool(self.checks) and all(check.holds for check in self.checks)


@dataclass(frozen=True, slots=True)
class Looked:
    """What a person may do at one moment."""

    status: str
    tokens_valid_after: datetime | None
    platform_admin: bool
    memberships: int
    allowed: int
    """How many actions the policy allows, on the platform and in the tenants together."""
    decisions: int
    calls: dict[str, str]
    """What the person's own token gets, call by call: `allowed`, or the code of the refusal."""


def look(scope: Scope, user_id: str, tenants: list[TenantView], person: Scope | None) -> Looked:
    """Asks the store and the policy what a person may do, and where there is a token, asks as the person."""
    user = scope.users.get(user_id)
    memberships = sum(1 for tenant in tenants if is_member(scope, tenant, user_id))
    rights = [*scope.rights(user_id).rights]
    for tenant in tenants:
        rights += scope.rights(user_id, tenant.id).rights
    allowed = sum(1 for right in rights if str(right.outcome) == "allow")
    calls = dict(called(person, user_id, tenants)) if person is not None else {}
    return Looked(
        str(user.status), user.tokens_valid_after, user.platform_admin, memberships, allowed, len(rights), calls
    )


def is_member(scope: Scope, tenant: TenantView, user_id: str) -> bool:
    """Whether the membership is in force."""
    try:
        scope.members.get(tenant.id, user_id)
    except NotFound:
        return False
    return True


def called(person: Scope, user_id: str, tenants: list[TenantView]) -> Iterator[tuple[str, str]]:
    """What the person's own token gets."""
    calls: list[tuple[str, Callable[[], Any]]] = [
        ("GET /users/me/tenants", person.my_tenants.list().page),
        ("GET /users/{self}", lambda: person.users.get(user_id)),
        ("GET /tenants", person.tenants.list().page),
    ]
    for tenant in tenants[:3]:
        calls += calls_of_tenant(person, tenant)
    yield from answers(calls)


def calls_of_tenant(person: Scope, tenant: TenantView) -> list[tuple[str, Callable[[], Any]]]:
    """Reading a tenant and its members."""
    return [
        (f"GET /tenants/{tenant.slug}", lambda: person.tenants.get(tenant.id)),
        (f"GET /tenants/{tenant.slug}/members", lambda: person.members.list(tenant.id).page()),
    ]


def answers(calls: list[tuple[str, Callable[[], Any]]]) -> Iterator[tuple[str, str]]:
    """What each call gets."""
    for name, call in calls:
        try:
            call()
        except DezkyError as error:
            if error.retryable:
                raise  # an outage proves nothing
            yield name, f"{error.status} {error.code}"
        else:
            yield name, "allowed"


def revoke(
    dezky: Dezky, actor: str, user: UserView, token: str | None = None, *, now: datetime | None = None
) -> Revocation:
    """Ends all access of a person: first all at once in one commit, then each membership, so that a later restoration
    of the account gives no right back. It can be broken off and run again.

    With one of the person's access tokens, the very token is tried before and after.
    """
    scope = dezky.as_system(actor)
    person = dezky.as_user(token) if token is not None else None
    began = now if now is not None else datetime.now(UTC)
    tenants = list(tenants_of(scope, user))
    before = look(scope, user.id, tenants, person)
    done = Revocation(user, tenants)
    disable(scope, user.id, began)
    revoke_memberships(scope, done)
    after = look(scope, user.id, done.tenants, person)
    if person is not None:
        # Only now: the profile brings memberships in line with the token's groups. It must not bring any back.
        after.calls.update(answers([("GET /users/me", person.me)]))
    left = list(tenants_of(scope, scope.users.get(user.id)))
    done.checks = checks(before, after, len(left), began)
    done.events = [event for event in scope.audit.list(user_id=user.id, from_=began) if event.actor.name == actor]
    done.person = scope.users.get(user.id)
    return done


def revoke_memberships(scope: Scope, done: Revocation) -> None:
    """Revokes every membership. None is made any more, because the person is disabled; what was under way is found
    when the memberships are looked for again."""
    for _ in range(ROUNDS):
        left = list(tenants_of(scope, scope.users.get(done.person.id)))
        for tenant in left:
            try:
                scope.members.revoke(tenant.id, done.person.id)
            except NotFound:
                continue
            done.revoked.append(tenant.slug)
            if tenant.id not in {known.id for known in done.tenants}:
                done.tenants.append(tenant)
        if not left:
            return


def disable(scope: Scope, user_id: str, now: datetime) -> None:
    """Disables a person, refuses every token issued until now, and takes the right to administer the platform away,
    all in one commit."""
    scope.users.update(user_id, status=UserStatus.DISABLED, platform_admin=False, tokens_valid_after=now)


def checks(before: Looked, after: Looked, left: int, began: datetime) -> list[Check]:
    """What must hold, and whether it does."""
    valid_after = after.tokens_valid_after
    found = [
        Check("account", before.status, after.status, after.status == "disabled"),
        Check(
            "tokens refused if issued before",
            shown(before.tokens_valid_after),
            shown(valid_after),
            valid_after is not None and valid_after >= floor(began),
        ),
        Check(
            "administers the platform", yes(before.platform_admin), yes(after.platform_admin), not after.platform_admin
        ),
        Check(
            "memberships in force",
            str(before.memberships),
            str(after.memberships + left),
            after.memberships + left == 0,
        ),
        Check(
            "actions that the policy allows",
            f"{before.allowed} of {before.decisions}",
            f"{after.allowed} of {after.decisions}",
            after.allowed == 0 and after.decisions > 0,
        ),
    ]
    for name, answer in after.calls.items():
        refused = answer != "allowed" and answer.startswith(("401", "403"))
        found.append(Check(f"{name} with the token", before.calls.get(name, "not asked"), answer, refused))
    return found


def floor(at: datetime) -> datetime:
    """A time as precisely as it is stored."""
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def shown(at: datetime | None) -> str:
    """A time for people."""
    return f"{at:%Y-%m-%d %H:%M:%S} UTC" if at is not None else "none"


def yes(value: bool) -> str:
    """A truth for people."""
    return "yes" if value else "no"
