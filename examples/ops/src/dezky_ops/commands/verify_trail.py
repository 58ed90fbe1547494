"""`verify-trail`: the audit trail of a tenant in an archive, verified without the platform."""

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from ..command_line import PATH, Common, common
from ..failure import Exit, Failure
from ..portability.archive import DamagedArchiveError, read_archive
from ..portability.trail import read

EVERYTHING = "everything.jsonl"


@click.command("verify-trail")
@click.argument("archive", type=PATH)
@common(writes=False)
def verify_trail(common: Common, archive: Path) -> int:
    """Verify the audit trail in ARCHIVE, which `export-tenant` wrote.

    Computes every seal from the events, and tells the first that was changed, removed or added. It needs neither the
    platform nor its programs. Compare the end that it prints with one that was kept elsewhere.
    """
    try:
        read_archive(archive)
        trail = read(records(archive))
    except (DamagedArchiveError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise Failure(Exit.USAGE, "damaged_archive", f"`{archive}` has no trail that can be read: {error}") from error
    if trail is None:
        raise Failure(
            Exit.NOT_FOUND, "no_trail", f"`{archive}` has no sealed events: it is not of a tenant, or too new"
        )
    fault = trail.fault()
    common.output.document(
        {
            "chain": trail.chain,
            "places": len(trail.places),
            "unsealed": trail.unsealed,
            "seq": trail.seq,
            "hash": trail.hash,
            "fault": None if fault is None else {"seq": fault[0], "fault": fault[1]},
        }
    )
    if fault is not None:
        common.output.line(f"event {fault[0]} is not as it was sealed: {fault[1]}")
        return Exit.FAILED
    common.output.line(f"{len(trail.places):,} events as they were sealed, up to {trail.seq} with {trail.hash}")
    return Exit.DONE


def records(archive: Path) -> Iterator[Any]:
    """The records of the export, one after the other."""
    with zipfile.ZipFile(archive) as files, files.open(EVERYTHING) as lines:
        for line in lines:
            yield json.loads(line)
