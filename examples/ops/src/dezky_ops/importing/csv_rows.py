"""Rows of a CSV file. The columns are named as the API's fields; empty cells say nothing."""

import csv
import re
from collections.abc import Iterator
from typing import NamedTuple, TextIO

from .row import Row, RowProblem, snake_case

TEXT_COLUMNS = (
    "slug",
    "name",
    "status",
    "plan",
    "authentikGroup",
    "ocisSpaceId",
    "stalwartDomain",
    "billingInfo.company",
    "billingInfo.vatId",
    "billingInfo.email",
    "billingInfo.address",
    "branding.logoUrl",
    "branding.primaryColor",
    "branding.accentColor",
)
LIST_COLUMNS = ("domains",)
"""Several values in a cell, separated by spaces, `;`, `,` or `|`."""
COLUMNS = (*TEXT_COLUMNS, *LIST_COLUMNS)

SEPARATORS = re.compile(r"[\s;,|]+")
DELIMITERS = (",", ";", "\t")
"""Spreadsheets of many European languages write `;`."""


class Column(NamedTuple):
    """What a column says something about."""

    group: str | None
    """The argument that holds it, for what is nested."""
    argument: str
    is_list: bool


class HeadingError(Exception):
    """The first line is wrong, so that no row can be read."""

    def __init__(self, problems: list[RowProblem]) -> None:
        super().__init__("the heading is wrong")
        self.problems = problems


def rows(file: TextIO) -> Iterator[Row]:
    """The rows in their order. `file` is open with `newline=""`.

    Raises `HeadingError` before the first row, should the heading be wrong.
    """
    first = file.readline()
    file.seek(0)
    delimiter = max(DELIMITERS, key=first.count)
    reader = csv.reader(file, delimiter=delimiter, strict=True)
    columns = read_heading(next(reader, []))
    line = reader.line_num + 1
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            problem = RowProblem(
                line, "", "unreadable", f"{error}: check the quotes of this row and of those before it"
            )
            yield Row(line, problems=(problem,))
            return
        if any(cell.strip() for cell in cells):
            yield read_row(line, columns, cells)
        line = reader.line_num + 1


def read_heading(cells: list[str]) -> list[Column]:
    """The columns in their order."""
    known = {column.casefold(): column for column in COLUMNS}
    names = [cell.strip() for cell in cells]
    problems = []
    if not any(names):
        message = (
            "the file has no heading: its first line names the columns, at least slug and name, of "
            f"{', '.join(COLUMNS)}"
        )
        raise HeadingError([RowProblem(1, "", "no_heading", message)])
    for name in names:
        if name.casefold() not in known:
            message = f"no column is named `{name}`: remove it, or name it as one of {', '.join(COLUMNS)}"
            problems.append(RowProblem(1, name, "unknown_column", message))
        elif [other.casefold() for other in names].count(name.casefold()) > 1:
            problems.append(RowProblem(1, name, "repeated_column", f"the column `{name}` is there twice: remove one"))
    lacking = [name for name in ("slug", "name") if name not in [known.get(other.casefold()) for other in names]]
    problems += [RowProblem(1, name, "missing_column", f"the column `{name}` is missing: add it") for name in lacking]
    if problems:
        raise HeadingError(problems)
    return [column_of(known[name.casefold()]) for name in names]


def column_of(name: str) -> Column:
    """The column of this name."""
    *group, argument = map(snake_case, name.split("."))
    return Column(group[0] if group else None, argument, name in LIST_COLUMNS)


def read_row(line: int, columns: list[Column], cells: list[str]) -> Row:
    """One row."""
    if len(cells) != len(columns):
        message = f"has {len(cells)} cells where the heading has {len(columns)}: check separators and quotes"
        return Row(line, problems=(RowProblem(line, "", "wrong_number_of_cells", message),))
    arguments: dict[str, object] = {}
    groups: dict[str, dict[str, object]] = {}
    for column, cell in zip(columns, cells, strict=True):
        text = cell.strip()
        if not text:
            continue
        target = arguments
        if column.group is not None:
            target = groups.setdefault(column.group, {})
        target[column.argument] = SEPARATORS.split(text) if column.is_list else text
    return Row(line, arguments | groups)
