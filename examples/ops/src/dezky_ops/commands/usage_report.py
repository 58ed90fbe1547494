"""`usage-report`: tenants, people, plans and seats over time."""

from datetime import UTC, datetime
from pathlib import Path

import click

from ..command_line import PATH, Common, choice, common
from ..failure import Exit, Failure
from ..files import check_picture, write_text
from ..usage import Interval, as_csv, as_json, as_markdown, collect, save_picture

FORMATS = ("markdown", "csv")
DAY = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"])


@click.command("usage-report")
@click.option("--since", type=DAY, help="First day, in UTC. Default: when the first tenant or person came.")
@click.option("--until", type=DAY, help="End, in UTC, not included. Default: now.")
@click.option("--interval", type=choice(Interval), help="Length of a step. Default: what fits the period.")
@click.option(
    "--largest",
    type=click.IntRange(0, 1_000),
    default=10,
    show_default=True,
    help="How many of the largest tenants to name; 0 counts no members.",
)
@click.option(
    "--format", "text_format", type=click.Choice(FORMATS), default="markdown", show_default=True, help="Of the text."
)
@click.option("--output", "target", type=PATH, help="Write the text into this file instead of printing it.")
@click.option("--picture", type=PATH, help="Draw it too: a file named .png, .svg or .pdf.")
@common(writes=False)
def usage_report(
    common: Common,
    since: datetime | None,
    until: datetime | None,
    interval: Interval | None,
    largest: int,
    text_format: str,
    target: Path | None,
    picture: Path | None,
) -> int:
    """Report how many tenants, people and seats there were over time, by plan and state. Nothing is changed."""
    if picture is not None:
        check_picture(picture)
    since, until = (moment.replace(tzinfo=UTC) if moment is not None else None for moment in (since, until))
    if since is not None and since >= (until or datetime.now(UTC)):
        raise Failure(Exit.USAGE, "empty_period", "the period ends before it begins: correct --since or --until")
    with common.scope() as scope, common.output.progress("reading") as advance:
        usage = collect(scope, since, until, Interval(interval) if interval else None, largest, advance)
    if picture is not None:
        save_picture(usage, picture)
        common.output.note(f"drawn: {picture}")
    if common.output.as_json:
        common.output.document(as_json(usage))
        return Exit.DONE
    text = as_csv(usage) if text_format == "csv" else as_markdown(usage)
    if target is not None:
        write_text(target, text)
        common.output.note(f"written: {target}")
    else:
        common.output.text(text)
    return Exit.DONE
