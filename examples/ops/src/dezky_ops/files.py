"""Files that are there whole or not at all."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from .failure import Exit, Failure

PICTURES = (".png", ".svg", ".pdf")


def check_picture(path: Path) -> None:
    """Refuses a picture of an unknown kind before anything is done for it."""
    if path.suffix.lower() not in PICTURES:
        raise Failure(Exit.USAGE, "unknown_picture", f"`{path}` is no kind of picture: name it .png, .svg or .pdf")


def refuse_existing(path: Path, *, force: bool) -> None:
    """Refuses to write over something that is there, unless it was asked for."""
    if path.is_dir():
        raise Failure(Exit.USAGE, "is_a_folder", f"`{path}` is a folder: name a file")
    if path.exists() and not force:
        raise Failure(Exit.CONFLICT, "file_exists", f"`{path}` is there already: name another file, or pass --force")


@contextmanager
def written_whole(path: Path) -> Iterator[IO[bytes]]:
    """A file for writing that appears under its name when all of it is on the disk, readable by its owner only.

    When the block fails, nothing of it stays, and a file that was there before is as it was.
    """
    folder = path.parent
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=folder)
    except FileNotFoundError:
        raise Failure(Exit.USAGE, "no_folder", f"the folder `{folder}` is not there: make it first") from None
    part = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        sync_folder(folder)
    finally:
        part.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Makes names in a folder durable, where the system can."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_text(path: Path, text: str) -> None:
    """Writes a text file whole, readable by its owner only."""
    with written_whole(path) as file:
        file.write(text.encode())
