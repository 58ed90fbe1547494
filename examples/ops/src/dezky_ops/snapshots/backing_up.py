"""Making a backup: a snapshot, its archive, and the proof that the archive can be restored, in this order. Only then
it has its name."""

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

import dezky
from dezky import Dezky

from ..failure import Exit, Failure
from ..files import written_whole
from ..portability.archive import timestamp
from . import apart, archive, mongodb, sqlite
from .archive import MONGODUMP, SQLITE, Collection, Manifest
from .location import Location

ATTEMPTS = 3
"""How often a MongoDB database is dumped that was written meanwhile."""

Progress = Callable[[str, int, int | None], None]
"""Told what is being done, how many parts of it are done, and of how many."""


class Method(StrEnum):
    """How a MongoDB database is backed up."""

    AUTO = "auto"
    """By `mongodump` where it is installed, else by a copy."""
    MONGODUMP = "mongodump"
    COPY = "copy"
    """By a copy into a SQLite file, which can be restored into either kind of store."""


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup that was made and verified."""

    path: Path | None
    """None for a dry run."""
    manifest: Manifest
    size: int


def silent(_what: str, _done: int, _of: int | None) -> None:
    """Shows nothing."""


def back_up(
    location: Location, target: Path | None, by: str, method: Method = Method.AUTO, progress: Progress = silent
) -> Backup:
    """Backs a store up into a file, which must not be there. Without a file, everything is done and nothing is kept.

    Raises `Failure` when it could not be done or the backup does not prove good; no file is left then.
    """
    with tempfile.TemporaryDirectory(
        prefix=".dezky-backup-", dir=target.parent if target is not None else None
    ) as name:
        folder = Path(name)
        manifest, payload = take(location, folder, by, method, progress)
        finished = folder / "finished"
        with finished.open("wb") as file:
            archive.write(file, manifest, payload)
        payload.unlink()
        prove(finished, location, folder, progress)
        size = finished.stat().st_size
        if target is not None:
            with written_whole(target) as kept, finished.open("rb") as file:
                shutil.copyfileobj(file, kept, archive.PIECE)
    return Backup(target, manifest, size)


def take(location: Location, folder: Path, by: str, method: Method, progress: Progress) -> tuple[Manifest, Path]:
    """The snapshot, compressed, and its manifest."""
    payload = folder / "payload"
    made = timestamp(datetime.now(UTC))
    if location.file is not None:
        if method is Method.MONGODUMP:
            raise Failure(Exit.USAGE, "wrong_method", "the store is a SQLite file: leave --method out")
        kind, proof = SQLITE, take_sqlite(location.file, payload, folder, progress)
    elif method is Method.MONGODUMP or (method is Method.AUTO and mongodb.program("mongodump")):
        kind, proof = MONGODUMP, take_dump(location, payload, folder, progress)
    else:
        kind, proof = SQLITE, take_copy(location, payload, folder, progress)
    size, digest = payload.stat().st_size, archive.sha256_of(payload)
    return Manifest(kind, location.shown, made, by, proof, size, digest), payload


def take_sqlite(source: Path, payload: Path, folder: Path, progress: Progress) -> tuple[Collection, ...]:
    """A snapshot of a SQLite file."""
    plain = folder / "snapshot.sqlite"
    proof = apart.snapshot(source, plain, lambda done, of: progress("copying", done, of))
    progress("compressing", 0, None)
    archive.compress(plain, payload)
    plain.unlink()
    return proof


def take_copy(location: Location, payload: Path, folder: Path, progress: Progress) -> tuple[Collection, ...]:
    """A copy of a MongoDB database as a SQLite file. It is compared with the database after everything was copied:
    what is equal then was so at one moment, the end of copying."""
    plain = folder / "snapshot.sqlite"
    for attempt in range(1, ATTEMPTS + 1):
        try:
            dezky.copy_store(
                location.text,
                f"sqlite:{plain}",
                progress=lambda what, name, done: progress(f"{what} {name}", done, None),
            )
        except dezky.Conflict as error:
            if error.code != "copy_differs" or attempt == ATTEMPTS:
                raise written_meanwhile(location) if error.code == "copy_differs" else error from None
            for file in folder.glob("snapshot.sqlite*"):
                file.unlink()
            continue
        break
    with sqlite.connected(plain) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        proof = sqlite.tables(connection)
    progress("compressing", 0, None)
    archive.compress(plain, payload)
    plain.unlink()
    return proof


def take_dump(location: Location, payload: Path, folder: Path, progress: Progress) -> tuple[Collection, ...]:
    """A dump of a MongoDB database that was the same before and after."""
    before = mongodb.fingerprint(location)
    for _ in range(ATTEMPTS):
        progress("dumping", 0, None)
        payload.unlink(missing_ok=True)
        mongodb.dump(location, payload, folder)
        progress("comparing", 0, None)
        after = mongodb.fingerprint(location)
        if before == after:
            return after
        before = after
    raise written_meanwhile(location)


def written_meanwhile(location: Location) -> Failure:
    """No moment was found at which a snapshot is whole."""
    message = (
        f"`{location.shown}` was written while it was read, {ATTEMPTS} times: stop `dezky serve`, or try again when "
        "less is going on"
    )
    return Failure(Exit.UNAVAILABLE, "written_meanwhile", message)


def prove(finished: Path, location: Location, folder: Path, progress: Progress) -> None:
    """Restores the finished archive into a scratch store and compares it with what was read."""
    progress("verifying", 0, None)
    manifest = archive.read_manifest(finished)
    packed = folder / "packed"
    archive.extract(finished, manifest, packed)
    if manifest.kind == SQLITE:
        plain = folder / "scratch.sqlite"
        archive.unpack(finished, packed, plain)
        packed.unlink()
        sqlite.verify(plain, manifest.collections)
        open_once(plain)
        return
    with mongodb.scratch_database(location) as scratch:
        mongodb.undump(packed, location.database, scratch, folder)
        if mongodb.fingerprint(scratch) != manifest.collections:
            raise sqlite.differs("the scratch database has other documents")


def open_once(path: Path) -> None:
    """Opens a scratch store as the platform does: one of a newer release, or that is no store of Dezky, is refused."""
    with Dezky.open(store=f"sqlite:{path}", environment=False, log="off") as platform:
        platform.as_system("backup").tenants.list(limit=1).page()
