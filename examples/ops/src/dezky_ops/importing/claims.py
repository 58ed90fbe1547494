"""What only one tenant may have: slugs, groups, and domains that are proved."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from dezky import Scope, TenantStatus

from .row import Row, RowProblem

Claim = tuple[str, str]
"""The field, as the API names it, and what it says."""


class Holder(NamedTuple):
    """The tenant that has something."""

    slug: str
    deleted: bool


def claims_of(row: Row) -> Iterator[Claim]:
    """What a row wants for its tenant alone."""
    if row.slug:
        yield "slug", row.slug
    group = row.arguments.get("authentik_group")
    if isinstance(group, str):
        yield "authentikGroup", group
    verifications = row.arguments.get("domain_verifications")
    for verification in verifications if isinstance(verifications, list) else ():
        name = verification.get("name") if isinstance(verification, Mapping) else None
        if isinstance(name, str):
            yield "domainVerifications", name.casefold()


def claim(lines: dict[Claim, int], row: Row) -> list[RowProblem]:
    """Takes down on which line what is claimed; the problems where another line has claimed it."""
    problems = []
    for field, value in claims_of(row):
        other = lines.setdefault((field, value), row.line)
        if other != row.line:
            message = f"line {other} has `{value}` too: change or remove one of the two"
            problems.append(RowProblem(row.line, field, "duplicate_in_file", message))
    return problems


def holders(scope: Scope, claimed: Mapping[Claim, int]) -> dict[Claim, Holder]:
    """Who has what is claimed. All tenants are read once, deleted ones too: what they have stays theirs until it is removed."""
    held: dict[Claim, Holder] = {}
    for status in (None, TenantStatus.DELETED):
        for tenant in scope.tenants.list(status=status) if status is not None else scope.tenants.list():
            holder = Holder(tenant.slug, tenant.status == TenantStatus.DELETED)
            has: list[Claim] = [("slug", tenant.slug), ("authentikGroup", tenant.authentik_group or "")]
            has += [("domainVerifications", verification.name) for verification in tenant.domain_verifications]
            held |= {claim: holder for claim in has if claim in claimed}
    return held
