"""Restoring a backup: into a scratch store, compared with what the backup says of itself, and only then into its
place."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import dezky

from ..failure import Exit, Failure
from . import apart, archive, mongodb, sqlite
from .archive import MONGODUMP, SQLITE, Manifest
from .backing_up import Progress, open_once, silent
from .location import Location


@dataclass(frozen=True, slots=True)
class Restoration:
    """What was restored."""

    manifest: Manifest
    kept: Path | None
    """Where the file is that was replaced."""


def check(path: Path, progress: Progress = silent) -> Manifest:
    """Whether a backup can be restored. Nothing is written but a scratch store, which goes again. A dump of MongoDB
    is compared with its hash only: what is in it shows when it is restored.

    Raises `Failure` when it cannot.
    """
    with (
        tempfile.TemporaryDirectory(prefix="dezky-restore-") as name,
        unpacked(path, Path(name), progress) as (manifest, _),
    ):
        return manifest


def restore(path: Path, location: Location, *, replace: bool = False, progress: Progress = silent) -> Restoration:
    """Restores a backup into a store that is empty, or with `replace` in the place of a SQLite file, which is kept
    beside it.

    Raises `Failure`; the store is as it was then, a MongoDB database aside, which may hold a part of the backup.
    """
    if location.file is not None:
        return into_file(path, location.file, replace=replace, progress=progress)
    with tempfile.TemporaryDirectory(prefix="dezky-restore-") as name:
        folder = Path(name)
        with unpacked(path, folder, progress) as (manifest, snapshot):
            refuse_documents(location)
            progress("restoring", 0, None)
            if manifest.kind == SQLITE:
                dezky.copy_store(
                    f"sqlite:{snapshot}",
                    location.text,
                    progress=lambda what, name, done: progress(f"{what} {name}", done, None),
                )
            else:
                mongodb.undump(snapshot, Location(manifest.source).database, location, folder)
                if mongodb.fingerprint(location) != manifest.collections:
                    raise sqlite.differs("the database has other documents: empty it, and restore again")
            return Restoration(manifest, None)


def into_file(path: Path, target: Path, *, replace: bool, progress: Progress) -> Restoration:
    """Restores a backup as a SQLite file."""
    target = target.absolute()
    sqlite.make_folder(target.parent)
    with (
        tempfile.TemporaryDirectory(prefix=".dezky-restore-", dir=target.parent) as name,
        unpacked(path, Path(name), progress) as (manifest, snapshot),
    ):
        if manifest.kind == MONGODUMP:
            message = (
                "this backup is a dump of MongoDB: restore it into a MongoDB database, and copy that with "
                "`dezky migrate --from mongodb://… --to sqlite:…`"
            )
            raise Failure(Exit.USAGE, "wrong_store", message)
        snapshot.chmod(0o600)
        kept = apart.put_into_place(snapshot, target, replace=replace)
    return Restoration(manifest, kept)


@contextmanager
def unpacked(path: Path, folder: Path, progress: Progress) -> Iterator[tuple[Manifest, Path]]:
    """The snapshot of a backup, verified: a SQLite database, or the archive of a dump."""
    progress("verifying", 0, None)
    manifest = archive.read_manifest(path)
    packed = folder / "packed"
    archive.extract(path, manifest, packed)
    if manifest.kind == MONGODUMP:
        yield manifest, packed
        return
    snapshot = folder / "snapshot.sqlite"
    archive.unpack(path, packed, snapshot)
    packed.unlink()
    sqlite.verify(snapshot, manifest.collections)
    # Opening prepares a store, which must not change what is restored: a copy is opened.
    opened = folder / "opened.sqlite"
    shutil.copyfile(snapshot, opened)
    open_once(opened)
    yield manifest, snapshot


def refuse_documents(location: Location) -> None:
    """Refuses a MongoDB database that holds anything."""
    held = [collection.name for collection in mongodb.fingerprint(location) if collection.documents]
    if held:
        message = f"`{location.shown}` holds documents ({', '.join(held)}): name an empty database"
        raise Failure(Exit.CONFLICT, "target_not_empty", message)
