"""`restore`: a backup becomes the store."""

from pathlib import Path

import click

from ..command_line import PATH, Common, common, confirm
from ..failure import Exit
from ..snapshots import check
from ..snapshots import restore as put_back
from .backup import shown_progress, tell


@click.command("restore")
@click.argument("source", type=PATH)
@click.option("--replace", is_flag=True, help="Replace a SQLite file that is there; it is kept beside the new one.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@common(writes=True)
def restore(common: Common, source: Path, replace: bool, yes: bool) -> int:
    """Restore the backup SOURCE into the store of the settings, or of --store.

    The backup is first restored into a scratch store and compared with what it says of itself, by number and hash. A
    SQLite file gets its name in one step, and one that is in use is refused: stop `dezky serve` first. A MongoDB
    database must be empty. A backup of SQLite, or a copy of MongoDB, can be restored into either kind of store.

    With --dry-run the backup is checked, and nothing is restored.
    """
    output = common.output
    location = common.location()
    if common.dry_run:
        with shown_progress(output) as progress:
            manifest = check(source, progress)
        tell(output, manifest)
        output.document({"backup": str(source), "good": True, "restored": False, **manifest.as_json()})
        output.line(
            f"`{source}` is good; made {manifest.made} from {manifest.source}; it would be restored into "
            f"{location.shown}"
        )
        return Exit.DONE
    if replace:
        confirm(f"Replace {location.shown} by {source}?", yes=yes)
    with shown_progress(output) as progress:
        done = put_back(source, location, replace=replace, progress=progress)
    tell(output, done.manifest)
    kept = str(done.kept) if done.kept is not None else None
    output.document({"backup": str(source), "restored": location.shown, "kept": kept, **done.manifest.as_json()})
    output.line(f"restored into {location.shown}, and equal to the backup of {done.manifest.made}")
    if kept is not None:
        output.line(f"what was there before is kept: {kept}")
    output.note(
        "whoever was revoked after this backup has access again: look through `dezky audit` of the replaced store"
    )
    return Exit.DONE
