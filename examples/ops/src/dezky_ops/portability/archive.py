"""The archive: a ZIP file with a README for people, a manifest with hashes, JSON documents and JSON lines."""

import hashlib
import json
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

FORMAT = "dezky-export"
FORMAT_VERSION = 1
MANIFEST = "manifest.json"
README = "README.md"


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of the archive."""

    name: str
    records: int
    sha256: str

    def as_json(self) -> dict[str, object]:
        """As the manifest has it."""
        return {"name": self.name, "records": self.records, "sha256": self.sha256}


@dataclass(slots=True)
class Contents:
    """What an archive holds."""

    kind: str
    """`tenant` or `person`."""
    id: str
    """Of what is exported."""
    entries: list[Entry] = field(default_factory=list)

    def as_json(self) -> dict[str, object]:
        """As the manifest has it."""
        return {"kind": self.kind, "id": self.id, "files": [entry.as_json() for entry in self.entries]}


class Archive:
    """An archive that is being written. Without a file it only counts and hashes, as a dry run does."""

    def __init__(self, file: IO[bytes] | None, kind: str, subject: str, by: str) -> None:
        self._zip = zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) if file is not None else None
        self._by = by
        self._began = datetime.now(UTC)
        self.contents = Contents(kind, subject)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._zip is not None:
            self._zip.close()

    def document(self, name: str, document: Mapping[str, Any]) -> None:
        """Adds one JSON document."""
        self._add(name, [json.dumps(document, ensure_ascii=False, indent=2)], records=1)

    def lines(self, name: str, documents: Iterable[Mapping[str, Any]]) -> None:
        """Adds documents, one a line."""
        self._add(name, (json.dumps(document, ensure_ascii=False) for document in documents))

    def finish(self, readme: str) -> None:
        """Adds what explains the archive, and the manifest, which is last: an archive without one was cut off."""
        self._add(README, [readme.rstrip("\n")], records=0)
        manifest = {
            "format": FORMAT,
            "formatVersion": FORMAT_VERSION,
            **self.contents.as_json(),
            "begun": timestamp(self._began),
            "ended": timestamp(datetime.now(UTC)),
            "by": self._by,
        }
        if self._zip is not None:
            self._zip.writestr(member(MANIFEST, self._began), json.dumps(manifest, ensure_ascii=False, indent=2) + "\n")

    def _add(self, name: str, texts: Iterable[str], records: int | None = None) -> None:
        digest, count = hashlib.sha256(), 0
        if self._zip is None:
            for text in texts:
                digest.update(f"{text}\n".encode())
                count += 1
        else:
            with self._zip.open(member(name, self._began), "w", force_zip64=True) as file:
                for text in texts:
                    line = f"{text}\n".encode()
                    digest.update(line)
                    file.write(line)
                    count += 1
        self.contents.entries.append(Entry(name, count if records is None else records, digest.hexdigest()))


def member(name: str, at: datetime) -> zipfile.ZipInfo:
    """A file of the archive with its time."""
    info = zipfile.ZipInfo(name, at.timetuple()[:6])
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = 0o600 << 16
    return info


def timestamp(at: datetime) -> str:
    """RFC 3339 in UTC with three fractional digits, as everywhere in Dezky."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class DamagedArchiveError(Exception):
    """The archive is not what its manifest says."""


def read_archive(path: Path) -> dict[str, Any]:
    """The manifest of an archive, every file of which was compared with it.

    Raises `DamagedArchiveError`.
    """
    with zipfile.ZipFile(path) as archive:
        try:
            manifest: dict[str, Any] = json.loads(archive.read(MANIFEST))
        except KeyError:
            raise DamagedArchiveError(f"`{path}` has no manifest: it was cut off, or is no such archive") from None
        for entry in manifest["files"]:
            digest = hashlib.sha256()
            with archive.open(entry["name"]) as file:
                for piece in iter(lambda file=file: file.read(1 << 16), b""):  # type: ignore[misc]
                    digest.update(piece)
            if digest.hexdigest() != entry["sha256"]:
                raise DamagedArchiveError(f"`{entry['name']}` in `{path}` was changed")
    return manifest


def counted(documents: Iterable[Any], advance: Any) -> Iterator[Any]:
    """The same documents, each told to a progress bar."""
    for document in documents:
        yield document
        advance(1)
