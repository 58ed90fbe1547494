"""`import-tenants`: tenants from a CSV or JSON file."""

import csv
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from ..access.text import harmless
from ..command_line import PATH, Common, choice, common
from ..failure import Exit, Failure
from ..importing import Existing, Format, Plan, RowProblem, RowResult, carry_out, make_plan, open_source
from ..importing.plan import Step
from ..importing.run import foresee
from ..output import Output

SHOWN = 20
"""How many lines a person is shown of a long list; `--json` and `--report` have all."""
CALM = ("created", "updated", "unchanged", "skipped", "would_create", "would_update")


@click.command("import-tenants")
@click.argument("file", type=PATH)
@click.option("--format", "rows_format", type=choice(Format), help="Else by the name of FILE.")
@click.option(
    "--existing",
    type=choice(Existing),
    default=str(Existing.REFUSE),
    show_default=True,
    help="What to do with a tenant that is there already and is not as its row says.",
)
@click.option("--report", type=PATH, help="Write what became of each line into this CSV file.")
@common(writes=True)
def import_tenants(
    common: Common, file: Path, rows_format: Format | None, existing: Existing, report: Path | None
) -> int:
    """Create the tenants of FILE; `-` is standard input.

    CSV has a heading with names of fields, such as slug,name,plan,status,domains,billingInfo.vatId. JSON is a list of
    objects as the API takes them, or one object a line. README.md describes both.

    All rows are checked before anything is written: by the platform's own rules, against each other, and against the
    store. If one is wrong, nothing is done. An import that was broken off goes on when it is run again: tenants that
    are there as their row says need nothing."""
    output = common.output
    with open_source(file, rows_format) as source, common.scope() as scope:
        with output.progress("checking") as advance:
            plan = make_plan(scope, source, Existing(existing), advance)
        if plan.problems:
            refuse(output, plan.problems, report)
        output.note(intention(plan))
        results = foresee(source, plan) if common.dry_run else carry_out(scope, source, plan)
        with output.progress("writing", plan.writes) as advance:
            counts = tell(output, watched(results, advance), report)
    return summary(output, counts)


def intention(plan: Plan) -> str:
    """What is going to be done."""
    return (
        f"all {len(plan.steps):,} rows are good: {plan.count(Step.CREATE):,} to create, "
        f"{plan.count(Step.UPDATE):,} to update, "
        f"{plan.count(Step.UNCHANGED):,} there already, {plan.count(Step.SKIP):,} to skip"
    )


def watched(results: Iterable[RowResult], advance: object) -> Iterator[RowResult]:
    """The results, each told to a progress bar."""
    assert callable(advance)
    for result in results:
        if result.result in ("created", "updated", "failed"):
            advance(1)
        yield result


def refuse(output: Output, problems: list[RowProblem], report: Path | None) -> None:
    """Tells what is wrong with the file, and ends."""
    if report is not None:
        write_report(
            report,
            (
                RowResult(problem.line, problem.field, "wrong", code=problem.code, message=problem.message)
                for problem in problems
            ),
        )
    for problem in problems:
        output.document(problem.as_json())
    shown = [in_words(problem) for problem in problems[:SHOWN]]
    if len(problems) > SHOWN:
        shown.append(f"and {len(problems) - SHOWN:,} more: --report FILE or --json has all")
    message = f"nothing was written: {len(problems):,} problems in the file"
    raise Failure(
        Exit.USAGE,
        "invalid_file",
        message.replace("1 problems", "1 problem") if len(problems) == 1 else message,
        tuple(shown),
    )


def in_words(problem: RowProblem) -> str:
    """A problem in a line of text."""
    place = f"line {problem.line}: {problem.field or 'row'}: " if problem.line else ""
    return f"{place}{problem.message}"


def tell(output: Output, results: Iterator[RowResult], report: Path | None) -> Counter[str]:
    """Tells of each row; how many had each result."""
    counts: Counter[str] = Counter()

    def counted() -> Iterator[RowResult]:
        shown = 0
        for result in results:
            counts[result.result] += 1
            output.document(result.as_json())
            if result.result not in CALM or shown < SHOWN:
                shown += result.result in CALM
                detail = f": {result.code}: {result.message}" if result.code else f"  {result.id}" if result.id else ""
                output.line(f"line {result.line}: {result.slug}: {result.result.replace('_', ' ')}{detail}")
            yield result
        if counts.total() > SHOWN:
            output.line(f"… {counts.total():,} lines in all: --report FILE or --json has every one")

    if report is not None:
        write_report(report, counted())
    else:
        for _ in counted():
            pass
    return counts


def write_report(path: Path, results: Iterable[RowResult]) -> None:
    """Writes a line for each result as it comes, so that a broken-off import has its report too."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("line", "slug", "result", "id", "code", "message"))
        for result in results:
            cells = (result.line, result.slug, result.result, result.id or "", result.code or "", result.message or "")
            writer.writerow([harmless(cell) for cell in cells])


def summary(output: Output, counts: Counter[str]) -> int:
    """The last word, and the exit code."""
    output.document({"summary": dict(counts)})
    words = ", ".join(f"{count:,} {result.replace('_', ' ')}" for result, count in sorted(counts.items()))
    output.line(words)
    if counts["failed"]:
        output.warning(
            "some rows failed: correct them and run the same command again; what is done stays and is not done twice"
        )
        return Exit.LEFT
    return Exit.DONE
