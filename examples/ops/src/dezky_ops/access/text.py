"""A report as CSV, Markdown and JSON."""

import csv
import io
from collections.abc import Iterator
from typing import Any

from dezky import UserStatus

from ..portability.archive import timestamp
from .collect import Access, Report

COLUMNS = (
    "tenant",
    "userId",
    "name",
    "email",
    "status",
    "accessAs",
    "source",
    "since",
    "action",
    "outcome",
    "reason",
    "because",
    "forbiddenFields",
)

CLOSING = (
    "Beside these, whoever can run commands on the server or read the store can do anything to it. "
    "“hidden”: answered as if the thing did not exist."
)

NONE = "-"
"""A cell that says nothing."""

MAY = {"allow": "yes", "refuse": "no", "hide": "hidden"}


def rows(report: Report) -> Iterator[dict[str, Any]]:
    """One row for each person, place and action."""
    for access in report.accesses:
        who = described(access)
        for right in access.rights:
            yield {
                **who,
                "action": right.action,
                "outcome": str(right.outcome),
                "reason": right.reason,
                "because": right.because,
                "forbiddenFields": list(right.forbidden_fields),
            }


def described(access: Access) -> dict[str, Any]:
    """Who, and as what."""
    return {
        "tenant": access.tenant.slug if access.tenant is not None else None,
        "userId": access.person.id,
        "name": access.person.name,
        "email": access.person.email,
        "status": str(access.person.status),
        "accessAs": access.relation,
        "source": access.source,
        "since": timestamp(access.since) if access.since is not None else None,
    }


def as_json(report: Report) -> dict[str, Any]:
    """For programs."""
    return {"title": report.title, "made": timestamp(report.made), "rights": list(rows(report))}


def as_csv(report: Report) -> str:
    """For spreadsheets."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\r\n")
    writer.writeheader()
    for row in rows(report):
        row["forbiddenFields"] = " ".join(row["forbiddenFields"])
        writer.writerow({name: harmless(value) for name, value in row.items()})
    return text.getvalue()


def harmless(value: Any) -> Any:
    """A cell that a spreadsheet does not run as a formula: people choose their names themselves."""
    if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")):
        return f"'{value}"
    return value


def as_markdown(report: Report) -> str:
    """For people: who has access, and for each kind of access what it allows and why."""
    lines = [
        f"# {plain(report.title)}",
        "",
        f"As of {report.made:%Y-%m-%d %H:%M} UTC, decided by the platform's policy.",
        "",
    ]
    with_tenant = report.subject != "tenant"
    head = ["Person", "E-mail", *(["Where"] if with_tenant else []), "Access as", "By", "Since", "State"]
    lines += [row_of(head), row_of(["---"] * len(head))]
    for access in report.accesses:
        where = [f"`{access.tenant.slug}`" if access.tenant is not None else "the platform"] if with_tenant else []
        lines.append(
            row_of(
                [
                    plain(access.person.name or access.person.id),
                    plain(access.person.email or NONE),
                    *where,
                    access.relation,
                    access.source or NONE,
                    f"{access.since:%Y-%m-%d}" if access.since is not None else NONE,
                    str(access.person.status),
                ]
            )
        )
    if not report.accesses:
        lines.append(row_of(["nobody", *[NONE] * (len(head) - 1)]))
    for number, (example, alike) in enumerate(report.profiles(), start=1):
        lines += ["", f"## {number}. {heading(report, example, alike)}", ""]
        lines += decisions(example)
    return "\n".join([*lines, "", CLOSING]) + "\n"


def decisions(example: Access) -> list[str]:
    """What is allowed and what is not; in a sentence where nothing is, for one reason."""
    first = example.rights[0]
    if all(right.outcome == "refuse" and right.reason == first.reason for right in example.rights):
        return [f"Nothing: {plain(first.because)} (`{first.reason}`)."]
    lines = [row_of(["Action", "May", "Why"]), row_of(["---"] * 3)]
    for right in example.rights:
        fields = ", ".join(f"`{field}`" for field in right.forbidden_fields)
        because = plain(right.because) + (f"; not these fields: {fields}" if fields else "")
        lines.append(row_of([f"`{right.action}`", MAY[right.outcome], f"{because} (`{right.reason}`)"]))
    return lines


def heading(report: Report, example: Access, alike: list[Access]) -> str:
    """What those have in common who may do the same."""
    named = 3
    first = alike[:named]
    if report.subject == "person":
        names = [f"`{access.tenant.slug}`" if access.tenant is not None else "the platform" for access in first]
    else:
        names = [plain(access.person.name or access.person.email or access.person.id) for access in first]
    others = f" and {len(alike) - named} more" if len(alike) > named else ""
    relation = "no role" if example.relation == "none" else example.relation
    if example.person.status == UserStatus.DISABLED:
        relation = f"{relation}, disabled"
    return f"{relation[0].upper()}{relation[1:]}: {', '.join(names)}{others}"


def row_of(cells: list[str]) -> str:
    """A row of a table."""
    return f"| {' | '.join(cells)} |"


def plain(text: str) -> str:
    """A text whose signs mean nothing in Markdown."""
    return "".join(f"\\{sign}" if sign in "\\`*_{}[]<>#|!~" else sign for sign in text.replace("\n", " "))
