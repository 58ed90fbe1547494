"""Snapshots of a SQLite file, also while others write it, and putting one into its place."""

import hashlib
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from ..failure import Exit, Failure
from ..files import sync_folder
from .archive import Collection

PAGES = 2_048
"""Pages that are copied between two looks at the progress: 8 MiB."""
COMPANIONS = ("-wal", "-shm", "-journal")

Progress = Callable[[int, int], None]
"""Told how many parts are done, and of how many."""


@contextmanager
def connected(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection to a file that is there."""
    with closing(
        sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, isolation_level=None, timeout=5)
    ) as connection:
        yield connection


def snapshot(source: Path, target: Path, progress: Progress) -> tuple[Collection, ...]:
    """Copies the database as it is at one moment, and says what proves the copy: read in the same transaction.

    In write-ahead mode a reader neither waits for writers nor keeps them waiting.
    """
    if not source.is_file():
        raise Failure(Exit.NOT_FOUND, "no_store", f"there is no store at `{source}`: check the setting `store`")
    try:
        with connected(source) as connection, closing(sqlite3.connect(target, isolation_level=None)) as copy:
            connection.execute("PRAGMA query_only = ON")
            connection.execute("BEGIN")
            # The first read fixes the moment that this transaction sees.
            connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
            connection.backup(
                copy, pages=PAGES, progress=lambda _, left, all_pages: progress(all_pages - left, all_pages)
            )
            proof = tables(connection)
            connection.commit()
            # One file by itself, with no log beside it.
            copy.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.Error as error:
        if primary_code(error) == sqlite3.SQLITE_FULL:
            message = (
                f"`{target.parent.parent}` has no room for the snapshot: make room, or name a target on another disk"
            )
            raise Failure(Exit.FAILED, "no_space", message) from None
        message = f"`{source}` cannot be read: {error}; run this as the user that the server runs as"
        raise Failure(Exit.FAILED, "unreadable_store", message) from error
    target.chmod(0o600)
    return proof


def primary_code(error: sqlite3.Error) -> int | None:
    """What went wrong, without the details that SQLite has in the upper bits."""
    code = getattr(error, "sqlite_errorcode", None)
    return code & 0xFF if isinstance(code, int) else None


def tables(connection: sqlite3.Connection) -> tuple[Collection, ...]:
    """The number and the hash of the rows of each table, in the order of their keys."""
    names = connection.execute(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name"
    )
    return tuple(table(connection, name) for (name,) in names.fetchall())


def table(connection: sqlite3.Connection, name: str) -> Collection:
    """The number and the hash of the rows of a table. Columns that are computed from others say nothing new."""
    about = connection.execute("SELECT name, pk, hidden FROM pragma_table_xinfo(?)", (name,)).fetchall()
    stored = [column for column, _, hidden in about if not hidden]
    key = [column for column, place, _ in sorted(about, key=lambda column: column[1]) if place]
    columns, order = (", ".join(map(quoted, names)) for names in (stored, key or stored))
    digest, count = hashlib.sha256(), 0
    for row in connection.execute(f"SELECT {columns} FROM {quoted(name)} ORDER BY {order}"):
        digest.update(repr(row).encode("utf-8", "surrogatepass"))
        count += 1
    return Collection(name, count, digest.hexdigest())


def quoted(name: str) -> str:
    """An identifier in SQL."""
    return '"' + name.replace('"', '""') + '"'


def verify(path: Path, expected: tuple[Collection, ...]) -> None:
    """Compares a database with what it must hold.

    Raises `Failure` when it differs.
    """
    try:
        with connected(path) as connection:
            found = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
            if found != "ok":
                raise differs(f"the database is damaged ({found})")
            held = {collection.name: collection for collection in tables(connection)}
    except sqlite3.Error as error:
        raise differs(f"it cannot be read ({error})") from error
    for collection in expected:
        there = held.pop(collection.name, None)
        if there is None or there.documents != collection.documents:
            number = there.documents if there is not None else "no"
            raise differs(f"`{collection.name}` has {number} rows, not {collection.documents}")
        if there.sha256 != collection.sha256:
            raise differs(f"`{collection.name}` has other contents")
    if held:
        raise differs(f"it has the table `{next(iter(held))}` too")


def differs(how: str) -> Failure:
    """The snapshot is not what it must be."""
    return Failure(
        Exit.FAILED, "snapshot_differs", f"the snapshot is not what was read: {how}; nothing was kept, try again"
    )


def make_folder(folder: Path) -> None:
    """Makes the folder of a store where it is missing, for its owner only."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def put_into_place(scratch: Path, target: Path, *, replace: bool) -> Path | None:
    """Gives a database its name, in one step. What was there before is kept beside it; its new name is returned.

    Raises `Failure` when a database is there and must not be replaced, or is in use.
    """
    if not target.exists():
        if any(beside(target)):
            refuse_companions(target)
        os.link(scratch, target)
        scratch.unlink()
        sync_folder(target.parent)
        return None
    if not replace:
        message = (
            f"there is a store at `{target}` already: pass --replace to put the backup in its place (it is kept "
            "beside it)"
        )
        raise Failure(Exit.CONFLICT, "store_exists", message)
    kept = target.with_name(f"{target.name}.before-{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}")
    with alone(target) as intact:
        os.link(target, kept)
        if not intact:
            for companion, suffix in beside(target):
                companion.rename(f"{kept}{suffix}")
        scratch.replace(target)
        sync_folder(target.parent)
    return kept


@contextmanager
def alone(path: Path) -> Iterator[bool]:
    """Holds a database against everybody else, as one file with no log beside it. False when it is none that can be
    opened."""
    with closing(sqlite3.connect(path, isolation_level=None, timeout=0)) as connection:
        try:
            # Leaving the write-ahead mode takes everybody else's absence.
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            connection.execute("PRAGMA journal_mode = DELETE")
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            if primary_code(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                message = (
                    f"`{path}` is in use: stop `dezky serve`, the portal and whatever else has it open, then restore"
                )
                raise Failure(Exit.CONFLICT, "store_in_use", message) from None
            raise Failure(Exit.FAILED, "unreadable_store", f"`{path}` cannot be replaced: {error}") from error
        except sqlite3.DatabaseError:
            yield False
            return
        yield True


def beside(path: Path) -> list[tuple[Path, str]]:
    """The files that belong to a database beside it, with what their names end in."""
    return [(companion, suffix) for suffix in COMPANIONS if (companion := Path(f"{path}{suffix}")).exists()]


def refuse_companions(path: Path) -> None:
    """A log with no database would be taken for the restored one's."""
    names = ", ".join(companion.name for companion, _ in beside(path))
    message = f"`{path.parent}` holds {names} without the database that they belong to: move them away first"
    raise Failure(Exit.CONFLICT, "stray_log", message)
