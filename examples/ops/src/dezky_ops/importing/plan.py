"""What an import would do, row by row. Nothing is written to find out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum

from dezky import NotFound, Scope, TenantStatus, check_input

from ..output import Advance, nobody_watches
from .compare import differences
from .csv_rows import HeadingError
from .row import Row, RowProblem
from .source import Source


class Existing(StrEnum):
    """What happens to a row whose tenant is there already and is not as the row says."""

    REFUSE = "refuse"
    """The import is refused."""
    SKIP = "skip"
    """The tenant stays as it is."""
    UPDATE = "update"
    """The tenant becomes as the row says; what the row leaves unsaid stays."""


class Step(IntEnum):
    """What is to be done with a row."""

    CREATE = 0
    UPDATE = 1
    UNCHANGED = 2
    SKIP = 3


@dataclass(slots=True)
class Plan:
    """What is to be done, or why nothing can be."""

    steps: bytearray = field(default_factory=bytearray)
    """A `Step` for each row of the file, in their order."""
    problems: list[RowProblem] = field(default_factory=list)
    """What is wrong, in the order of lines. When there is anything, nothing may be written."""

    def count(self, step: Step) -> int:
        """How many rows have this step."""
        return self.steps.count(step)

    @property
    def writes(self) -> int:
        """How many rows will write something."""
        return self.count(Step.CREATE) + self.count(Step.UPDATE)


@dataclass(slots=True)
class Claims:
    """What only one tenant may have, and who has it in the file: the line of each slug, group and verified domain."""

    slugs: dict[str, int] = field(default_factory=dict)
    groups: dict[str, int] = field(default_factory=dict)
    domains: dict[str, int] = field(default_factory=dict)

    def claim(self, row: Row) -> list[RowProblem]:
        """Takes a row's claims down; the problems where another line has one of them."""
        problems = []
        for name, holders, value in self.of_row(row):
            other = holders.setdefault(value, row.line)
            if other != row.line:
                message = f"line {other} has `{value}` too: change or remove one of the two"
                problems.append(RowProblem(row.line, name, f"duplicate_{name.lower()}", message))
        return problems

    def of_row(self, row: Row) -> list[tuple[str, dict[str, int], str]]:
        """The fields of a row that claim something."""
        claims = []
        if row.slug:
            claims.append(("slug", self.slugs, row.slug))
        group = row.arguments.get("authentik_group")
        if isinstance(group, str):
            claims.append(("authentikGroup", self.groups, group))
        verifications = row.arguments.get("domain_verifications")
        for verification in verifications if isinstance(verifications, list) else ():
            name = verification.get("name") if isinstance(verification, Mapping) else None
            if isinstance(name, str):
                claims.append(("domainVerifications", self.domains, name.casefold()))
        return claims


@dataclass(slots=True)
class Held:
    """What the store's tenants hold of that which the file claims."""

    slugs: dict[str, bool] = field(default_factory=dict)
    """Whether the tenant of that slug is deleted."""
    groups: dict[str, str] = field(default_factory=dict)
    """The slug of the tenant that has the group."""
    domains: dict[str, str] = field(default_factory=dict)
    """The slug of the tenant that has proved the domain."""


def make_plan(
    scope: Scope, source: Source, existing: Existing = Existing.REFUSE, advance: Advance = nobody_watches
) -> Plan:
    """Checks every row by itself, against the others and against the store."""
    plan, claims = Plan(), Claims()
    try:
        for row in source.rows():
            plan.problems += check_alone(row) or claims.claim(row)
            advance(1)
    except HeadingError as error:
        plan.problems += error.problems
        return plan
    held = look_up(scope, claims)
    for row in source.rows():
        step = check_against_store(scope, row, held, existing, plan) if not row.problems else Step.SKIP
        plan.steps.append(step)
    plan.problems.sort(key=lambda problem: problem.line)
    if not plan.steps and not plan.problems:
        plan.problems.append(RowProblem(0, "", "empty_file", "the file has no rows"))
    return plan


def check_alone(row: Row) -> list[RowProblem]:
    """What the core's own rules say of a row."""
    if row.problems:
        return list(row.problems)
    errors = check_input("tenants.create", row.arguments)
    return [RowProblem(row.line, error.field, error.code, error.message) for error in errors]


def look_up(scope: Scope, claims: Claims) -> Held:
    """Reads all tenants once, deleted ones too: their slugs stay theirs."""
    held = Held()
    for deleted in (False, True):
        tenants = scope.tenants.list(status=TenantStatus.DELETED) if deleted else scope.tenants.list()
        for tenant in tenants:
            if tenant.slug in claims.slugs:
                held.slugs[tenant.slug] = deleted
            if tenant.authentik_group in claims.groups:
                held.groups[tenant.authentik_group] = tenant.slug
            for verification in () if deleted else tenant.domain_verifications:
                if verification.name in claims.domains:
                    held.domains[verification.name] = tenant.slug
    return held


def check_against_store(scope: Scope, row: Row, held: Held, existing: Existing, plan: Plan) -> Step:
    """What is to be done with a row, its problems added to the plan."""
    slug = row.slug or ""
    for name, holders, value in Claims().of_row(row):
        of_store = {"authentikGroup": held.groups, "domainVerifications": held.domains}.get(name, {})
        del holders
        holder = of_store.get(value)
        if holder is not None and holder != slug:
            message = f"the tenant `{holder}` has `{value}`: change it here or there"
            plan.problems.append(RowProblem(row.line, name, "held_by_another_tenant", message))
    deleted = held.slugs.get(slug)
    if deleted is None:
        return Step.CREATE
    if deleted:
        message = f"`{slug}` was the slug of a tenant that is deleted, and stays reserved: choose another"
        plan.problems.append(RowProblem(row.line, "slug", "slug_reserved", message))
        return Step.SKIP
    try:
        fields = differences(row.arguments, scope.tenants.get(slug))
    except NotFound:
        return Step.CREATE
    if not fields:
        return Step.UNCHANGED
    if existing is Existing.REFUSE:
        message = (
            f"the tenant `{slug}` is there already with another {', '.join(fields)}: correct the row, or pass "
            "--existing update or skip"
        )
        plan.problems.append(RowProblem(row.line, fields[0], "exists_differently", message))
        return Step.SKIP
    return Step.UPDATE if existing is Existing.UPDATE else Step.SKIP
