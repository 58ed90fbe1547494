"""Backups of MongoDB, by a copy and by MongoDB's own programs, on a real server."""

import os
import shutil
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from secrets import token_hex

import dezky
import pymongo
import pytest
from conftest import Ops, opened

from dezky_ops.demo import load, make_estate
from dezky_ops.snapshots import backing_up, mongodb
from dezky_ops.snapshots.location import Location, located

SERVER = os.environ["DEZKY_TEST_MONGODB_URI"]
STAND_INS = Path(__file__).parent / "stand_ins"


@pytest.fixture
def database() -> Iterator[str]:
    """A new database, which goes in the end."""
    location = Location(SERVER).with_database(f"ops_{token_hex(6)}")
    yield location.text
    with pymongo.MongoClient[dict[str, object]](SERVER) as client:
        client.drop_database(location.database)


@pytest.fixture
def loaded(database: str) -> str:
    """A database with an estate in it."""
    with opened(database) as scope:
        load(scope, make_estate(3, 20, seed=7))
    return database


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`mongodump` and `mongorestore`: stand-ins, unless the real ones are installed."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("mongodump", "mongorestore"):
        if shutil.which(name) is None:
            program = folder / name
            program.write_text(f"#!/bin/sh\nexec '{sys.executable}' '{STAND_INS / name}' \"$@\"\n")
            program.chmod(0o700)
    monkeypatch.setenv("PATH", f"{os.environ['PATH']}:{folder}")
    return folder


def databases() -> set[str]:
    """All databases of the server."""
    with pymongo.MongoClient[dict[str, object]](SERVER) as client:
        return set(client.list_database_names())


def test_a_copy_is_restored_into_either_kind_of_store(ops: Ops, loaded: str, tmp_path: Path) -> None:
    path = tmp_path / "copy.backup"
    ended = ops("backup", path, "--store", loaded, "--method", "copy", "--json")
    assert ended.code == 0, ended.err
    assert ended.json["kind"] == "sqlite"
    file = f"sqlite:{tmp_path / 'new' / 'dezky.sqlite'}"
    assert ops("restore", path, "--store", file).code == 0
    assert dezky.fingerprint(file) == dezky.fingerprint(loaded)
    back = Location(SERVER).with_database(f"ops_{token_hex(6)}").text
    try:
        restored = ops("restore", path, "--store", back)
        assert restored.code == 0, restored.err
        assert dezky.fingerprint(back) == dezky.fingerprint(loaded)
    finally:
        with pymongo.MongoClient[dict[str, object]](SERVER) as client:
            client.drop_database(Location(back).database)


def test_a_dump_is_proven_in_a_scratch_database_and_restored(
    ops: Ops, loaded: str, tools: Path, tmp_path: Path
) -> None:
    assert tools
    before = databases()
    path = tmp_path / "dump.backup"
    ended = ops("backup", path, "--store", loaded, "--json")
    assert ended.code == 0, ended.err
    assert ended.json["kind"] == "mongodump"
    assert databases() == before
    target = Location(SERVER).with_database(f"ops_{token_hex(6)}").text
    try:
        restored = ops("restore", path, "--store", target)
        assert restored.code == 0, restored.err
        assert dezky.fingerprint(target) == dezky.fingerprint(loaded)
        again = ops("restore", path, "--store", target)
        assert (again.code, again.err.split(":")[0]) == (4, "target_not_empty")
    finally:
        with pymongo.MongoClient[dict[str, object]](SERVER) as client:
            client.drop_database(Location(target).database)
    wrong = ops("restore", path, "--store", f"sqlite:{tmp_path / 'x' / 'dezky.sqlite'}")
    assert (wrong.code, wrong.err.split(":")[0]) == (2, "wrong_store")


def test_a_dump_that_lost_something_leaves_no_file(
    ops: Ops, loaded: str, tools: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert tools
    restored = mongodb.undump

    def lossy(archive: Path, source: str, location: Location, folder: Path) -> None:
        restored(archive, source, location, folder)
        with pymongo.MongoClient[dict[str, object]](SERVER) as client:
            client[location.database]["users"].delete_one({})

    monkeypatch.setattr(mongodb, "undump", lossy)
    before = databases()
    ended = ops("backup", tmp_path / "dump.backup", "--store", loaded, "--method", "mongodump")
    assert (ended.code, ended.err.split(":")[0]) == (1, "snapshot_differs")
    assert databases() == before
    assert not list(tmp_path.glob("*.backup"))


@pytest.mark.parametrize("method", ["copy", "mongodump"])
def test_a_database_that_is_written_meanwhile_is_noticed(
    ops: Ops, loaded: str, tools: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    """Somebody writes each time, after the first collections were read."""
    assert tools
    writes: list[int] = []

    def write() -> None:
        writes.append(len(writes))
        with opened(loaded) as scope:
            scope.tenants.create(slug=f"meanwhile-{len(writes)}", name="Meanwhile")

    if method == "mongodump":
        dumped = mongodb.dump

        def dump(*arguments: object) -> None:
            dumped(*arguments)  # type: ignore[arg-type]
            write()

        monkeypatch.setattr(mongodb, "dump", dump)
    else:
        copied = dezky.copy_store

        def copy_store(source: str, target: str, *, progress: object = None) -> object:
            assert progress
            seen = len(writes)

            def meanwhile(what: object, name: str, _: int) -> None:
                if (what, name) == ("verified", "tenants") and len(writes) == seen:
                    somebody = threading.Thread(target=write)
                    somebody.start()
                    somebody.join()

            return copied(source, target, progress=meanwhile)

        monkeypatch.setattr(dezky, "copy_store", copy_store)
    ended = ops("backup", tmp_path / "x.backup", "--store", loaded, "--method", method)
    assert (ended.code, ended.err.split(":")[0]) == (5, "written_meanwhile")
    assert len(writes) == backing_up.ATTEMPTS
    assert not list(tmp_path.glob("*.backup"))


def test_programs_that_fail_are_quoted(ops: Ops, loaded: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "mongodump"
    program.write_text("#!/bin/sh\necho 'server selection timeout' >&2\nexit 1\n")
    program.chmod(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    ended = ops("backup", tmp_path / "x.backup", "--store", loaded)
    assert ended.code == 1
    assert "server selection timeout" in ended.err


def test_no_password_is_shown_or_handed_over_on_a_command_line(
    ops: Ops, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "mongodump"
    program.write_text(
        f'#!/bin/sh\necho "$@" >"{tmp_path}/seen"\ncat "${{1#--config=}}" >"{tmp_path}/configuration"\nexit 1\n'
    )
    program.chmod(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(mongodb, "fingerprint", lambda _: ())
    location = SERVER.replace("mongodb://", "mongodb://operator:s3cret@", 1).rstrip("/") + "/dezky"
    ended = ops("backup", tmp_path / "x.backup", "--store", location, "--json")
    assert ended.code == 1
    assert "s3cret" not in ended.out + ended.err + (tmp_path / "seen").read_text()
    assert "operator:s3cret@" in (tmp_path / "configuration").read_text()
    assert "authSource=dezky" in (tmp_path / "configuration").read_text()


def test_locations_are_shown_without_secrets() -> None:
    location = located("mongodb+srv://user:pass@db.example.eu/dezky?tls=true&authSource=admin")
    assert location.shown == "mongodb+srv://db.example.eu/dezky"
    assert "pass" not in repr(location)
    assert location.database == "dezky"
    assert (
        location.with_database("other").text == "mongodb+srv://user:pass@db.example.eu/other?tls=true&authSource=admin"
    )


def test_every_command_works_on_mongodb(
    ops: Ops, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEZKY_STORE", database)
    assert ops("load-demo", "--tenants", 3, "--people", 20, "--seed", 7).code == 0
    tenants = '[{"slug": "acme", "name": "Acme"}, {"slug": "beta", "name": "Beta"}]'
    assert ops("import-tenants", "-", "--format", "json", stdin=tenants).code == 0
    again = ops("import-tenants", "-", "--format", "json", "--json", stdin=tenants)
    assert again.lines[-1] == {"summary": {"unchanged": 2}}
    estate = make_estate(3, 20, seed=7)
    employment = estate.employments[0]
    report = ops("access-report", "--tenant", employment.slug, "--json").json
    assert employment.email in {row["email"] for row in report["rights"]}
    assert ops("export-tenant", employment.slug, "--output", tmp_path / "out.zip").code == 0
    usage = ops("usage-report", "--json").json
    assert usage["tenants"]["total"][-1] == 5
    revoked = ops("revoke", employment.email, "--yes", "--json")
    assert (revoked.code, revoked.json["proven"]) == (0, True)
