"""`backup`: a verified snapshot of the store in one file."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress as Bars
from rich.progress import TaskID

from ..command_line import PATH, Common, choice, common
from ..failure import Exit
from ..files import refuse_existing
from ..output import Output, table
from ..snapshots import Manifest, back_up
from ..snapshots.backing_up import Method, Progress

PATTERN = "dezky-*.backup"


@click.command("backup")
@click.argument("target", type=PATH, default=Path())
@click.option("--method", type=choice(Method), default=str(Method.AUTO), show_default=True, help="For MongoDB: how.")
@click.option(
    "--keep",
    type=click.IntRange(min=1),
    help=f"Afterwards remove the oldest files {PATTERN} of the folder, so that so many stay.",
)
@click.option("--force", is_flag=True, help="Write over a file that is there.")
@common(writes=True)
def backup(common: Common, target: Path, method: Method, keep: int | None, force: bool) -> int:
    """Back the store up into TARGET: a file, or a folder in which the file gets a name by the time.

    SQLite is read as it is at one moment, while servers go on writing. MongoDB is dumped by `mongodump` where that is
    installed, else copied; if it is written meanwhile, that is noticed and done again. The finished file is restored
    into a scratch store and compared with what was read, by number and hash; only then it gets its name. It holds all
    data and secrets of the store: keep it as safe as the store."""
    folder = target if target.is_dir() else target.parent
    if target.is_dir():
        target = target / f"dezky-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.backup"
    refuse_existing(target, force=force)
    location = common.location()
    with shown_progress(common.output) as progress:
        made = back_up(location, None if common.dry_run else target, common.actor, Method(method), progress)
    tell(common.output, made.manifest)
    common.output.document(
        {
            "backup": str(made.path) if made.path else None,
            "bytes": made.size,
            "verified": True,
            **made.manifest.as_json(),
        }
    )
    what = "verified, and nothing was kept (--dry-run)" if made.path is None else f"written and verified: {made.path}"
    common.output.line(f"{what}, {made.size / 1_000_000:.1f} MB, {made.manifest.records:,} records")
    if keep is not None and made.path is not None:
        remove_oldest(common.output, folder, keep)
    return Exit.DONE


@contextmanager
def shown_progress(output: Output) -> Iterator[Progress]:
    """A bar for each piece of the work."""
    console = Console(stderr=True)
    with Bars(console=console, transient=True, disable=output.quiet or not console.is_terminal) as bars:
        tasks: dict[str, TaskID] = {}

        def progress(what: str, done: int, of: int | None) -> None:
            if what not in tasks:
                for task in tasks.values():
                    bars.update(task, visible=False)
                tasks[what] = bars.add_task(what, total=of)
            bars.update(tasks[what], completed=done, total=of)

        yield progress


def tell(output: Output, manifest: Manifest) -> None:
    """What the backup holds."""
    shown = table("collection", "records", "SHA-256")
    for collection in manifest.collections:
        shown.add_row(collection.name, f"{collection.documents:,}", collection.sha256)
    output.table(shown)


def remove_oldest(output: Output, folder: Path, keep: int) -> None:
    """Removes backups that are not needed any more. Their names sort by time."""
    for old in sorted(folder.glob(PATTERN))[:-keep]:
        old.unlink()
        output.note(f"removed: {old}")
