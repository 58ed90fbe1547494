"""What commands say: results on standard output, for people or as JSON; everything beside them on standard error."""

import json
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

Advance = Callable[[int], None]
"""Tells that so many more are done."""


WIDEST = 1_000
"""Columns of a table that goes into a file or to a program."""


ACTING = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""Characters that do something other than stand in their line: controls, ends of lines, marks of direction."""


def shown(text: str) -> str:
    """A text of others in a line for people: nothing in it acts on a terminal, or makes a line more."""
    return ACTING.sub(lambda found: found.group().encode("unicode_escape").decode(), text)


def nobody_watches(_: int) -> None:
    """An `Advance` that shows nothing."""


class Output:
    """Where a command's words go."""

    def __init__(self, *, as_json: bool, quiet: bool) -> None:
        self.as_json = as_json
        self.quiet = quiet
        # Where no person looks, a table is as wide as it needs to be.
        self._out = Console(highlight=False, width=None if sys.stdout.isatty() else WIDEST)
        self._error = Console(stderr=True, highlight=False, soft_wrap=True)

    def line(self, text: str = "") -> None:
        """A line for people."""
        if not self.as_json:
            self._out.print(shown(text), markup=False, soft_wrap=True)

    def table(self, table: Table) -> None:
        """A table for people."""
        if not self.as_json:
            with self._out.capture() as captured:
                self._out.print(table)
            # Cells are plain already; what is left are the terminal's own colours.
            sys.stdout.write("".join(f"{line.rstrip()}\n" for line in captured.get().splitlines()))

    def text(self, text: str) -> None:
        """A finished text: as it is for a file or a program, line by line for a person."""
        if sys.stdout.isatty():
            text = "\n".join(shown(line) for line in text.replace("\r\n", "\n").split("\n"))
        sys.stdout.write(text if text.endswith("\n") else f"{text}\n")

    def document(self, document: Any) -> None:
        """A JSON document on one line, for programs."""
        if self.as_json:
            sys.stdout.write(json.dumps(document, ensure_ascii=False, separators=(",", ":"), default=str) + "\n")

    def note(self, text: str) -> None:
        """A word beside the results."""
        if not self.quiet:
            self._error.print(shown(text), markup=False)

    def warning(self, text: str) -> None:
        """A word beside the results that is said even to those who want quiet."""
        self._error.print(shown(text), markup=False)

    @contextmanager
    def progress(self, what: str, total: int | None = None) -> Iterator[Advance]:
        """A bar on a terminal while something takes long; nothing elsewhere, and nothing for those who want quiet."""
        if self.quiet or not self._error.is_terminal:
            yield nobody_watches
            return
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=self._error, transient=True) as progress:
            task = progress.add_task(what, total=total)
            yield lambda count: progress.advance(task, count)


class PlainTable(Table):
    """A table whose cells are texts, whatever they hold: neither markup nor anything that acts on a terminal."""

    def add_row(self, *cells: RenderableType | None, **options: Any) -> None:
        """Adds a row."""
        super().add_row(*(Text(shown(cell)) if isinstance(cell, str) else cell for cell in cells), **options)


def table(*headings: str, title: str | None = None) -> PlainTable:
    """An empty table in the one style of these commands."""
    result = PlainTable(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for heading in headings:
        result.add_column(heading, overflow="fold")
    return result
