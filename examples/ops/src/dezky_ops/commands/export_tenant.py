"""`export-tenant`: everything about one tenant or one person."""

from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path

import click

from ..command_line import PATH, Common, common
from ..failure import Exit, Failure
from ..files import refuse_existing, written_whole
from ..output import table
from ..people import find_person, find_tenant
from ..portability import Archive, export_person
from ..portability import export_tenant as write_tenant


@click.command("export-tenant")
@click.argument("tenant", required=False)
@click.option("--person", help="Export a person instead: id, ISSUER/SUBJECT, or an e-mail address that only one has.")
@click.option(
    "--output", "target", type=PATH, help="The archive; else a name made of the tenant and the day, in this folder."
)
@click.option("--force", is_flag=True, help="Write over a file that is there.")
@common(writes=True)
def export_tenant(common: Common, tenant: str | None, person: str | None, target: Path | None, force: bool) -> int:
    """Write everything about TENANT (id or slug), or about a person, into a ZIP archive.

    The archive explains itself: a README in plain words, JSON documents with the API's field names, and a manifest with
    the SHA-256 of each file. It holds personal data: only you can read it, hand it on with care.
    """
    if (tenant is None) == (person is None):
        raise Failure(Exit.USAGE, "nothing_named", "name either a tenant or --person: `dezky-ops export-tenant acme`")
    with common.scope() as scope:
        subject = find_tenant(scope, tenant) if tenant is not None else None
        user = find_person(scope, person) if person is not None else None
        name = subject.slug if subject is not None else f"person-{user.id if user is not None else ''}"
        target = target if target is not None else Path(f"{name}-{datetime.now(UTC):%Y-%m-%d}.zip")
        refuse_existing(target, force=force)
        with (
            nullcontext() if common.dry_run else written_whole(target) as file,
            Archive(file, "tenant" if subject is not None else "person", name, common.actor) as archive,
            common.output.progress("reading") as advance,
        ):
            if subject is not None:
                archive.contents.id = subject.id
                write_tenant(scope, subject, archive, advance)
            elif user is not None:
                archive.contents.id = user.id
                export_person(scope, user, archive, advance)
    shown = table("file", "records", "SHA-256")
    for entry in archive.contents.entries:
        shown.add_row(entry.name, f"{entry.records:,}", entry.sha256)
    common.output.table(shown)
    written = None if common.dry_run else str(target)
    common.output.document({"archive": written, **archive.contents.as_json()})
    common.output.line("nothing was written (--dry-run)" if common.dry_run else f"written: {target}")
    return Exit.DONE
