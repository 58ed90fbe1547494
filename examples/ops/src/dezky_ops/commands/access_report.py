"""`access-report`: who may do what, and why."""

from pathlib import Path

import click

from ..access import as_csv, as_json, as_markdown, of_person, of_platform, of_tenant, save_picture
from ..command_line import PATH, Common, common
from ..failure import Exit, Failure
from ..files import check_picture, write_text
from ..people import find_person, find_tenant

FORMATS = ("markdown", "csv")


@click.command("access-report")
@click.option("--tenant", help="Everybody who may do anything in this tenant (id or slug).")
@click.option(
    "--person", help="Everything that this person may do: id, ISSUER/SUBJECT, or an address that only one has."
)
@click.option(
    "--format", "text_format", type=click.Choice(FORMATS), default="markdown", show_default=True, help="Of the text."
)
@click.option("--output", "target", type=PATH, help="Write the text into this file instead of printing it.")
@click.option("--picture", type=PATH, help="Draw it too: a file named .png, .svg or .pdf.")
@common(writes=False)
def access_report(
    common: Common, tenant: str | None, person: str | None, text_format: str, target: Path | None, picture: Path | None
) -> int:
    """Report who may do what, and why: for a tenant, for a person, or without either for the whole platform.

    Each line is a decision of the platform's own policy over what stands in the store now, with its reason. Nothing is
    changed.
    """
    if tenant is not None and person is not None:
        raise Failure(Exit.USAGE, "two_subjects", "name a tenant or a person, not both")
    if picture is not None:
        check_picture(picture)
    with common.scope() as scope, common.output.progress("reading") as advance:
        if tenant is not None:
            report = of_tenant(scope, find_tenant(scope, tenant), advance)
        elif person is not None:
            report = of_person(scope, find_person(scope, person), advance)
        else:
            report = of_platform(scope, advance)
    if picture is not None:
        save_picture(report, picture)
        common.output.note(f"drawn: {picture}")
    if common.output.as_json:
        common.output.document(as_json(report))
        return Exit.DONE
    text = as_csv(report) if text_format == "csv" else as_markdown(report)
    if target is not None:
        write_text(target, text)
        common.output.note(f"written: {target}")
    else:
        common.output.text(text)
    return Exit.DONE
