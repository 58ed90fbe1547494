"""MongoDB's own programs. The address, which may hold a password, reaches them in a file and never on the command
line."""

import json
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dezky

from ..failure import Exit, Failure
from .archive import Collection
from .location import Location

LONGEST = 6 * 3_600
"""Seconds that a program may take."""


def program(name: str) -> Path | None:
    """Where `mongodump` or `mongorestore` is."""
    found = shutil.which(name)
    return Path(found) if found else None


def required(name: str) -> Path:
    """The same; raises `Failure` when it is not there."""
    found = program(name)
    if found is None:
        message = f"`{name}` is not installed: install MongoDB Database Tools, or use --method copy"
        raise Failure(Exit.USAGE, "no_database_tools", message)
    return found


def fingerprint(location: Location) -> tuple[Collection, ...]:
    """Number and hash of the documents of each collection in their canonical form, the same in every kind of store."""
    return tuple(
        Collection(entry.collection, entry.documents, entry.sha256) for entry in dezky.fingerprint(location.text)
    )


def dump(location: Location, target: Path, folder: Path) -> None:
    """Writes a compressed archive of one database."""
    with configured(location, folder) as configuration:
        run(required("mongodump"), configuration, f"--db={location.database}", f"--archive={target}", "--gzip")


def undump(archive: Path, source: str, location: Location, folder: Path) -> None:
    """Reads such an archive of the database `source` into the database of a location."""
    names = (f"--nsInclude={source}.*", f"--nsFrom={source}.*", f"--nsTo={location.database}.*")
    with configured(location, folder) as configuration:
        run(required("mongorestore"), configuration, f"--archive={archive}", "--gzip", *names)


@contextmanager
def configured(location: Location, folder: Path) -> Iterator[Path]:
    """A file that tells a program where the server is. `folder` is for this user only."""
    configuration = folder / f"server-{secrets.token_hex(4)}.yaml"
    configuration.touch(mode=0o600)
    configuration.write_text(f"uri: {json.dumps(location.with_database('').text)}\n")
    try:
        yield configuration
    finally:
        configuration.unlink()


def run(executable: Path, configuration: Path, *arguments: str) -> None:
    """Runs a program to its end.

    Raises `Failure` with its last words when it fails.
    """
    command = [str(executable), f"--config={configuration}", "--quiet", *arguments]
    try:
        ended = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LONGEST, check=False
        )
    except subprocess.TimeoutExpired:
        raise Failure(
            Exit.UNAVAILABLE, "database_tools_failed", f"`{executable.name}` took longer than {LONGEST} s"
        ) from None
    if ended.returncode:
        words = tuple(ended.stderr.strip().splitlines()[-5:])
        raise Failure(Exit.FAILED, "database_tools_failed", f"`{executable.name}` ended with {ended.returncode}", words)


@contextmanager
def scratch_database(location: Location) -> Iterator[Location]:
    """A new database on the same server, which goes in the end."""
    try:
        import pymongo
    except ImportError:
        message = "a dump is verified in a scratch database: pip install 'dezky-ops[mongodb]', or use --method copy"
        raise Failure(Exit.USAGE, "no_pymongo", message) from None
    scratch = location.with_database(f"dezky_scratch_{secrets.token_hex(6)}")
    try:
        yield scratch
    finally:
        with pymongo.MongoClient[dict[str, object]](scratch.text) as client:
            client.drop_database(scratch.database)
