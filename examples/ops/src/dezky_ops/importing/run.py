"""An import that goes on where it was broken off: what is done already needs nothing, so that nothing has to be
remembered."""

import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from dezky import Conflict, DezkyError, NotFound, Scope, TenantView

from ..failure import Exit, Failure
from .compare import differences
from .plan import Plan, Step
from .row import Row
from .source import Source

IN_FLIGHT = 256
"""Calls at the same time: the store commits what waits together."""
ROUNDS = 5
"""How often the store is tried again when it does not answer and nothing comes forward."""
LONGEST_WAIT = 30.0
"""Seconds."""

NAMES = {Step.CREATE: "created", Step.UPDATE: "updated", Step.UNCHANGED: "unchanged", Step.SKIP: "skipped"}
WOULD = {**NAMES, Step.CREATE: "would_create", Step.UPDATE: "would_update"}


@dataclass(frozen=True, slots=True)
class RowResult:
    """What became of a row."""

    line: int
    """Line of the file on which it begins."""
    slug: str
    """The tenant."""
    result: str
    """`created`, `updated`, `unchanged`, `skipped` or `failed`; `would_create` or `would_update` of a dry run."""
    id: str | None = None
    """The tenant's id."""
    code: str | None = None
    """Why it failed: the stable code."""
    message: str | None = None
    """Why it failed: what to change."""

    def as_json(self) -> dict[str, object]:
        """The same for programs."""
        every = {name: getattr(self, name) for name in ("line", "slug", "result", "id", "code", "message")}
        return {name: value for name, value in every.items() if value is not None}


def foresee(source: Source, plan: Plan) -> Iterator[RowResult]:
    """What would become of each row."""
    for row, step in zip(source.rows(), plan.steps, strict=True):
        yield RowResult(row.line, row.slug or "", WOULD[Step(step)])


def carry_out(
    scope: Scope, source: Source, plan: Plan, wait: Callable[[float], None] = time.sleep
) -> Iterator[RowResult]:
    """Does what the plan says, and tells of each row once: of those that need nothing, of those that are created, of
    those that are updated, each in the order of the file.

    Raises `Failure` when the store does not answer for long; the same import then goes on later.
    """
    if plan.writes < len(plan.steps):
        for row, step in zip(source.rows(), plan.steps, strict=True):
            if step in (Step.UNCHANGED, Step.SKIP):
                yield RowResult(row.line, row.slug or "", NAMES[Step(step)])
    for step in (Step.CREATE, Step.UPDATE):
        yield from Writing(scope, source, plan, step).run(wait)


class Writing:
    """The rows of one kind on their way into the store."""

    def __init__(self, scope: Scope, source: Source, plan: Plan, step: Step) -> None:
        self.scope = scope
        self.source = source
        self.step = step
        self.todo = bytearray(int(planned == step) for planned in plan.steps)
        self.again = False
        self.refused_in_a_row = 0

    def run(self, wait: Callable[[float], None]) -> Iterator[RowResult]:
        """Tries all rows, and those again for which the store did not answer."""
        rounds_without_progress = 0
        while self.todo.count(1):
            before, failure = self.todo.count(1), None
            for row, position, outcome in self.outcomes():
                if isinstance(outcome, DezkyError) and outcome.retryable:
                    failure = outcome
                    self.refused_in_a_row += 1
                else:
                    self.refused_in_a_row = 0
                    self.todo[position] = 0
                    yield self.result(row, outcome)
            if failure is None:
                return
            rounds_without_progress = rounds_without_progress + 1 if self.todo.count(1) == before else 0
            if rounds_without_progress >= ROUNDS:
                message = (
                    f"{failure.message}; {before} rows are not written yet: run the same command again, it goes on "
                    "there"
                )
                raise Failure(Exit.UNAVAILABLE, failure.code, message)
            wait(min(failure.retry_after or 2.0**rounds_without_progress, LONGEST_WAIT))
            self.again = True

    def outcomes(self) -> Iterator[tuple[Row, int, TenantView | DezkyError]]:
        """What the store says to each row that is to be done."""
        under_way: deque[tuple[Row, int]] = deque()

        def arguments() -> Iterator[dict[str, object]]:
            self.refused_in_a_row = 0
            for position, row in enumerate(self.source.rows()):
                if self.refused_in_a_row >= IN_FLIGHT:
                    return
                if self.todo[position]:
                    under_way.append((row, position))
                    yield row.arguments if self.step is Step.CREATE else patch(row)

        method = self.scope.tenants.create if self.step is Step.CREATE else self.scope.tenants.update
        for outcome in self.scope.each(method, arguments(), concurrency=IN_FLIGHT):
            row, position = under_way.popleft()
            yield row, position, outcome

    def result(self, row: Row, outcome: TenantView | DezkyError) -> RowResult:
        """What became of a row."""
        slug = row.slug or ""
        if isinstance(outcome, Conflict) and outcome.code == "slug_taken" and self.again:
            # The answer of the round before may have been lost, and the change was made.
            outcome = self.found(row) or outcome
        if isinstance(outcome, DezkyError):
            details = "; ".join(f"{field.field}: {field.message}" for field in outcome.fields)
            return RowResult(row.line, slug, "failed", code=outcome.code, message=details or outcome.message)
        return RowResult(row.line, slug, NAMES[self.step], id=outcome.id)

    def found(self, row: Row) -> TenantView | None:
        """The tenant that is there, if it is as the row says."""
        try:
            tenant = self.scope.tenants.get(row.slug or "")
        except NotFound:
            return None
        return tenant if not differences(row.arguments, tenant) else None


def patch(row: Row) -> dict[str, object]:
    """The arguments that make a tenant as the row says."""
    return {"tenant": row.slug, **{name: value for name, value in row.arguments.items() if name != "slug"}}
