"""A file of rows that is read several times and does not change meanwhile."""

import codecs
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO

from ..failure import Exit, Failure
from . import csv_rows, json_rows
from .row import Row


class Format(StrEnum):
    """How rows are written."""

    CSV = "csv"
    JSON = "json"


SUFFIXES = {".csv": Format.CSV, ".tsv": Format.CSV, ".json": Format.JSON, ".jsonl": Format.JSON, ".ndjson": Format.JSON}


class Source:
    """A file of rows."""

    def __init__(self, copy: Path, rows_format: Format) -> None:
        self._copy = copy
        self.format = rows_format

    def rows(self) -> Iterator[Row]:
        """All rows from the beginning."""
        with self._copy.open(encoding="utf-8-sig", newline="") as file:
            yield from csv_rows.rows(file) if self.format is Format.CSV else json_rows.rows(file)


@contextmanager
def open_source(path: Path, rows_format: Format | None = None) -> Iterator[Source]:
    """Takes a private copy of a file, or of standard input for `-`: what is checked is then what is written.

    Raises `Failure` when it cannot be read or is not UTF-8.
    """
    if rows_format is None:
        rows_format = SUFFIXES.get(path.suffix.lower())
    if rows_format is None:
        raise Failure(
            Exit.USAGE,
            "unknown_format",
            f"what `{path}` is cannot be told by its name: pass --format csv or --format json",
        )
    with tempfile.TemporaryDirectory(prefix="dezky-import-") as folder:
        copy = Path(folder) / "rows"
        try:
            with copy.open("wb") as target:
                if str(path) == "-":
                    shutil.copyfileobj(sys.stdin.buffer, target)
                else:
                    with path.open("rb") as file:
                        shutil.copyfileobj(file, target)
        except OSError as error:
            raise Failure(Exit.USAGE, "unreadable_file", f"`{path}` cannot be read: {error.strerror}") from error
        with copy.open("rb") as file:
            refuse_other_encodings(file, path)
        yield Source(copy, rows_format)


def refuse_other_encodings(file: BinaryIO, path: Path) -> None:
    """Finds the first byte that is no UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    line = 1
    try:
        while piece := file.read(1 << 16):
            line += decoder.decode(piece).count("\n")
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        line += error.object[: error.start].count(b"\n")
        message = f"`{path}` is not UTF-8 (line {line}): save it as CSV UTF-8, or convert it with iconv"
        raise Failure(Exit.USAGE, "not_utf8", message) from None
