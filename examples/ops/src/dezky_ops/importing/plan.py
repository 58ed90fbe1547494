"""What an import would do, row by row. Nothing is written to find out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum

from dezky import NotFound, Scope, check_input

from ..output import Advance, nobody_watches
from .claims import Claim, Holder, claim, claims_of, holders
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


def make_plan(
    scope: Scope, source: Source, existing: Existing = Existing.REFUSE, advance: Advance = nobody_watches
) -> Plan:
    """Checks every row by itself, against the others and against the store."""
    plan = Plan()
    lines: dict[Claim, int] = {}
    try:
        for row in source.rows():
            plan.problems += check_alone(row) or claim(lines, row)
            advance(1)
    except HeadingError as error:
        plan.problems += error.problems
        return plan
    held = holders(scope, lines)
    for row in source.rows():
        problems = [] if row.problems else check_against_holders(row, held)
        step = Step.SKIP if row.problems or problems else step_of(scope, row, held, existing, problems)
        plan.steps.append(step)
        plan.problems += problems
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


def check_against_holders(row: Row, held: Mapping[Claim, Holder]) -> list[RowProblem]:
    """What another tenant of the store has that a row wants for its own."""
    problems = []
    for name, value in claims_of(row):
        holder = held.get((name, value))
        if holder is None:
            continue
        if name != "slug" and holder.slug != row.slug:
            there = " although it is deleted" if holder.deleted else ""
            message = f"the tenant `{holder.slug}` has `{value}`{there}: change it here or there"
            problems.append(RowProblem(row.line, name, "held_by_another_tenant", message))
        if name == "slug" and holder.deleted:
            message = f"`{value}` was the slug of a tenant that is deleted, and stays reserved: choose another"
            problems.append(RowProblem(row.line, name, "slug_reserved", message))
    return problems


def step_of(
    scope: Scope, row: Row, held: Mapping[Claim, Holder], existing: Existing, problems: list[RowProblem]
) -> Step:
    """What is to be done with a row; a tenant that is there otherwise may be a problem."""
    slug = row.slug or ""
    if ("slug", slug) not in held:
        return Step.CREATE
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
        problems.append(RowProblem(row.line, fields[0], "exists_differently", message))
        return Step.SKIP
    return Step.UPDATE if existing is Existing.UPDATE else Step.SKIP
