"""The file of a backup: a tar archive of a manifest and the compressed snapshot."""

import gzip
import hashlib
import io
import json
import shutil
import tarfile
import time
import zlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from ..failure import Exit, Failure

FORMAT = "dezky-backup"
FORMAT_VERSION = 1
MANIFEST = "manifest.json"
SQLITE = "sqlite"
"""A snapshot that is a SQLite database."""
MONGODUMP = "mongodump"
"""A snapshot that is an archive of `mongodump --archive --gzip`."""
PAYLOADS = {SQLITE: "store.sqlite.gz", MONGODUMP: "store.mongodump.gz"}
COMPRESSION = 3
"""Of 9: most of the gain for a third of the time."""
LARGEST_MANIFEST = 1 << 20
PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class Collection:
    """What proves that a collection is whole."""

    name: str
    documents: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup says of itself."""

    kind: str
    """`sqlite` or `mongodump`: how to read the snapshot."""
    source: str
    """The store, without a password."""
    made: str
    """RFC 3339."""
    by: str
    collections: tuple[Collection, ...]
    """For `sqlite` the tables as they stand in the snapshot, for `mongodump` the collections in their canonical
    form."""
    payload_bytes: int
    payload_sha256: str

    @property
    def records(self) -> int:
        """Everything in all collections together."""
        return sum(collection.documents for collection in self.collections)

    def as_json(self) -> dict[str, Any]:
        """As it is written."""
        return {"format": FORMAT, "formatVersion": FORMAT_VERSION, **asdict(self)}


def compress(source: Path, target: Path) -> None:
    """Compresses a file."""
    with source.open("rb") as plain, gzip.GzipFile(target, "wb", compresslevel=COMPRESSION, mtime=0) as packed:
        shutil.copyfileobj(plain, packed, PIECE)


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write(file: IO[bytes], manifest: Manifest, payload: Path) -> None:
    """Writes a backup."""
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as archive:
        text = (json.dumps(manifest.as_json(), ensure_ascii=False, indent=2) + "\n").encode()
        archive.addfile(member(MANIFEST, len(text)), io.BytesIO(text))
        with payload.open("rb") as packed:
            archive.addfile(member(PAYLOADS[manifest.kind], payload.stat().st_size), packed)


def member(name: str, size: int) -> tarfile.TarInfo:
    """A file of the archive."""
    info = tarfile.TarInfo(name)
    info.size = size
    info.mode = 0o600
    info.mtime = int(time.time())
    return info


def read_manifest(path: Path) -> Manifest:
    """What a backup says of itself.

    Raises `Failure` when it is no backup, or one of a newer release.
    """
    try:
        with tarfile.open(path, mode="r:") as archive:
            first = archive.next()
            if first is None or first.name != MANIFEST or first.size > LARGEST_MANIFEST:
                raise no_backup(path)
            file = archive.extractfile(first)
            said = json.loads(file.read()) if file is not None else {}
    except (tarfile.TarError, ValueError):
        raise no_backup(path) from None
    except OSError as error:
        raise Failure(Exit.NOT_FOUND, "unreadable_backup", f"`{path}` cannot be read: {error.strerror}") from error
    return parsed(path, said)


def parsed(path: Path, said: Any) -> Manifest:
    """The manifest out of its JSON."""
    if not isinstance(said, dict) or said.get("format") != FORMAT:
        raise no_backup(path)
    if said.get("formatVersion") != FORMAT_VERSION:
        message = (
            f"`{path}` has the form {said.get('formatVersion')}, and this release reads {FORMAT_VERSION}: use a "
            "newer dezky-ops"
        )
        raise Failure(Exit.USAGE, "newer_backup", message)
    try:
        collections = tuple(Collection(**collection) for collection in said["collections"])
        fields = {name: said[name] for name in ("kind", "source", "made", "by", "payload_bytes", "payload_sha256")}
    except (KeyError, TypeError):
        raise no_backup(path) from None
    if fields["kind"] not in PAYLOADS:
        raise no_backup(path)
    return Manifest(collections=collections, **fields)


def extract(path: Path, manifest: Manifest, target: Path) -> None:
    """Takes the snapshot out as it is compressed, and compares it with the manifest.

    Raises `Failure` when it is damaged.
    """
    try:
        with tarfile.open(path, mode="r:") as archive:
            file = archive.extractfile(PAYLOADS[manifest.kind])
            if file is None:
                raise damaged(path, "it holds no snapshot")
            with target.open("wb") as copy:
                shutil.copyfileobj(file, copy, PIECE)
    except (tarfile.TarError, KeyError):
        raise damaged(path, "it is cut off") from None
    if target.stat().st_size != manifest.payload_bytes or sha256_of(target) != manifest.payload_sha256:
        raise damaged(path, "the snapshot is not the one that was written")


def unpack(path: Path, packed: Path, target: Path) -> None:
    """Takes a compressed snapshot apart."""
    try:
        with gzip.open(packed, "rb") as file, target.open("wb") as plain:
            shutil.copyfileobj(file, plain, PIECE)
    except (gzip.BadGzipFile, EOFError, zlib.error):
        raise damaged(path, "the snapshot cannot be unpacked") from None


def no_backup(path: Path) -> Failure:
    """It is something else."""
    return Failure(
        Exit.USAGE, "no_backup", f"`{path}` is no backup of Dezky: name a file that `dezky-ops backup` has written"
    )


def damaged(path: Path, how: str) -> Failure:
    """It is not what it was."""
    return Failure(Exit.FAILED, "damaged_backup", f"`{path}` is damaged: {how}; use another backup")
