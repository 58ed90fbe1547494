"""Backups are whole, whatever is going on, and are verified before they have a name. Restoration is all or nothing."""

import json
import os
import sqlite3
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from conftest import Demo, Ops, opened

from dezky_ops.snapshots import apart, archive, sqlite


def fingerprint(location: str) -> dict[str, tuple[int, str]]:
    """Number and hash of every table of a store."""
    with sqlite.connected(Path(location.removeprefix("sqlite:"))) as connection:
        return {table.name: (table.documents, table.sha256) for table in sqlite.tables(connection)}


@pytest.fixture
def backup(ops: Ops, demo: Demo, tmp_path: Path) -> Path:
    """A backup of the demonstration."""
    path = tmp_path / "good.backup"
    ended = ops("backup", path, "--store", demo.store)
    assert ended.code == 0, ended.err
    return path


WORKER = """
import sys
from dezky import Dezky
with Dezky.open(store=sys.argv[1], environment=False, log="off") as platform:
    scope = platform.as_system("worker")
    if sys.argv[2] == "hold":
        scope.tenants.list().page()
        print("ready", flush=True)
        sys.stdin.read()
    names = ({"slug": f"w-{number}", "name": "W"} for number in range(1_000_000))
    for number, _ in enumerate(scope.each(scope.tenants.create, names, concurrency=1)):
        if number == 50:
            print("ready", flush=True)
"""


@contextmanager
def worker(location: str, what: str) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the store, or writes it all the time."""
    process = subprocess.Popen(
        [sys.executable, "-c", WORKER, location, what], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_a_backup_is_restored_as_it_was(ops: Ops, demo: Demo, backup: Path, tmp_path: Path) -> None:
    assert backup.stat().st_mode & 0o777 == 0o600
    target = f"sqlite:{tmp_path / 'new' / 'dezky.sqlite'}"
    ended = ops("restore", backup, "--store", target, "--json")
    assert ended.code == 0, ended.err
    assert ended.json["restored"] == target
    assert fingerprint(target) == fingerprint(demo.store)
    file = tmp_path / "new" / "dezky.sqlite"
    assert file.stat().st_mode & 0o777 == 0o600
    assert [other.name for other in file.parent.iterdir()] == ["dezky.sqlite"]
    with opened(target) as scope:
        assert {tenant.slug for tenant in scope.tenants.list()} == {company.slug for company in demo.estate.companies}


def test_backups_are_whole_while_others_write(ops: Ops, demo: Demo, tmp_path: Path) -> None:
    """Each commit makes a tenant, its audit event and its outbox event: a backup has as many of each."""
    sizes = []
    with worker(demo.store, "write") as process:
        for number in range(3):
            path = tmp_path / f"{number}.backup"
            ended = ops("backup", path, "--json")
            assert ended.code == 0, ended.err
            counts = {collection["name"]: collection["documents"] for collection in ended.json["collections"]}
            target = f"sqlite:{tmp_path / str(number) / 'dezky.sqlite'}"
            assert ops("restore", path, "--store", target, "--quiet").code == 0
            with opened(target) as scope:
                tenants = sum(1 for _ in scope.tenants.list())
                events = sum(1 for _ in scope.audit.list(action="tenant.create"))
            assert tenants == events == counts["tenants"]
            assert counts["audit_events"] == counts["outbox"]
            sizes.append(tenants)
        assert process.poll() is None
    assert sizes == sorted(set(sizes)), "nothing was written meanwhile"


def test_a_store_that_is_there_is_not_replaced_unasked(ops: Ops, demo: Demo, backup: Path) -> None:
    with opened(demo.store) as scope:
        scope.tenants.create(slug="newer", name="Newer")
    refused = ops("restore", backup)
    assert (refused.code, refused.err.split(":")[0]) == (4, "store_exists")
    unconfirmed = ops("restore", backup, "--replace")
    assert unconfirmed.code == 6
    with opened(demo.store) as scope:
        assert scope.tenants.get("newer")


def test_what_is_replaced_is_kept(ops: Ops, demo: Demo, backup: Path) -> None:
    before = fingerprint(demo.store)
    with opened(demo.store) as scope:
        scope.tenants.create(slug="newer", name="Newer")
    ended = ops("restore", backup, "--replace", "--yes", "--json")
    assert ended.code == 0, ended.err
    assert fingerprint(demo.store) == before
    with opened(f"sqlite:{ended.json['kept']}") as scope:
        assert scope.tenants.get("newer")


def test_a_store_in_use_is_not_replaced(ops: Ops, demo: Demo, backup: Path) -> None:
    with worker(demo.store, "hold"):
        ended = ops("restore", backup, "--replace", "--yes")
        assert (ended.code, ended.err.split(":")[0]) == (4, "store_in_use")
        assert "dezky serve" in ended.err
    assert ops("restore", backup, "--replace", "--yes").code == 0
    assert not [file for file in demo.platform.folder.iterdir() if file.name.startswith(".dezky-restore")]


def test_a_store_that_this_very_process_has_open_is_safe(ops: Ops, demo: Demo, backup: Path, tmp_path: Path) -> None:
    """Two SQLite libraries in one process would not see each other's locks, and would let go of them."""
    with opened(demo.store) as scope:
        assert scope.tenants.get(demo.largest)
        assert ops("backup", tmp_path / "another.backup").code == 0
        ended = ops("restore", backup, "--replace", "--yes")
        assert (ended.code, ended.err.split(":")[0]) == (4, "store_in_use")
        assert scope.tenants.create(slug="still-there", name="Still there")
    with opened(demo.store) as scope:
        assert scope.tenants.get("still-there")


def test_a_damaged_store_can_be_replaced(ops: Ops, demo: Demo, backup: Path) -> None:
    before = fingerprint(demo.store)
    file = Path(demo.store.removeprefix("sqlite:"))
    file.write_bytes(b"no database" * 1_000)
    ended = ops("restore", backup, "--replace", "--yes", "--json")
    assert ended.code == 0, ended.err
    assert fingerprint(demo.store) == before
    assert Path(ended.json["kept"]).read_bytes().startswith(b"no database")


def test_a_log_without_its_database_is_not_taken_in(ops: Ops, backup: Path, tmp_path: Path) -> None:
    """SQLite would take the pages of a stray log for those of the restored database."""
    target = tmp_path / "new" / "dezky.sqlite"
    target.parent.mkdir()
    target.with_name("dezky.sqlite-wal").write_bytes(b"stray")
    ended = ops("restore", backup, "--store", f"sqlite:{target}")
    assert (ended.code, ended.err.split(":")[0]) == (4, "stray_log")
    assert not target.exists()


def test_a_check_of_a_backup_restores_nothing(ops: Ops, demo: Demo, backup: Path, tmp_path: Path) -> None:
    assert demo
    target = tmp_path / "new" / "dezky.sqlite"
    ended = ops("restore", backup, "--dry-run", "--store", f"sqlite:{target}", "--json")
    assert (ended.code, ended.json["good"]) == (0, True)
    assert not target.parent.exists()


def changed(source: Path, target: Path, how: str) -> Path:
    """A backup that is not what it was."""
    data = bytearray(source.read_bytes())
    if how == "byte":
        data[len(data) // 2] ^= 1
    elif how == "end":
        del data[len(data) // 2 :]
    elif how == "other":
        data = bytearray(b"something else")
    target.write_bytes(data)
    if how in ("count", "version", "hash"):
        rewrite(source, target, how)
    return target


def rewrite(source: Path, target: Path, how: str) -> None:
    """The same snapshot with a manifest that says something else."""
    manifest = archive.read_manifest(source)
    said: dict[str, Any] = manifest.as_json()
    if how == "version":
        said["formatVersion"] = 99
    elif how == "hash":
        said["payload_sha256"] = "0" * 64
    else:
        said["collections"] = [
            {**collection, "documents": collection["documents"] + 1} for collection in said["collections"]
        ]
    payload = target.with_suffix(".payload")
    archive.extract(source, manifest, payload)
    text = target.with_suffix(".json")
    text.write_text(json.dumps(said))
    with tarfile.open(target, "w") as copy:
        copy.add(text, archive.MANIFEST)
        copy.add(payload, archive.PAYLOADS[manifest.kind])


@pytest.mark.parametrize(
    ("how", "code", "name"),
    [
        ("byte", 1, "damaged_backup"),
        ("end", 1, "damaged_backup"),
        ("hash", 1, "damaged_backup"),
        ("count", 1, "snapshot_differs"),
        ("other", 2, "no_backup"),
        ("version", 2, "newer_backup"),
    ],
)
def test_a_backup_that_is_not_what_it_was_is_refused(
    ops: Ops, demo: Demo, backup: Path, tmp_path: Path, how: str, code: int, name: str
) -> None:
    before = fingerprint(demo.store)
    ended = ops("restore", changed(backup, tmp_path / "changed.backup", how), "--replace", "--yes")
    assert (ended.code, ended.err.split(":")[0]) == (code, name)
    assert fingerprint(demo.store) == before


def test_a_backup_that_does_not_prove_good_leaves_no_file(
    ops: Ops, demo: Demo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The snapshot loses a row on its way into the archive."""
    packed = archive.compress

    def lossy(source: Path, target: Path) -> None:
        with closing(sqlite3.connect(source)) as connection, connection:
            connection.execute("DELETE FROM memberships WHERE id = (SELECT min(id) FROM memberships)")
        packed(source, target)

    monkeypatch.setattr(archive, "compress", lossy)
    assert demo
    ended = ops("backup", tmp_path / "bad.backup")
    assert (ended.code, ended.err.split(":")[0]) == (1, "snapshot_differs")
    assert not [file for file in tmp_path.iterdir() if "backup" in file.name]


def test_a_dry_run_verifies_and_keeps_nothing(ops: Ops, demo: Demo, tmp_path: Path) -> None:
    assert demo
    before = sorted(tmp_path.iterdir())
    ended = ops("backup", tmp_path / "no.backup", "--dry-run", "--json")
    assert (ended.code, ended.json["verified"], ended.json["backup"]) == (0, True, None)
    assert sorted(tmp_path.iterdir()) == before


def test_nothing_is_said_that_nobody_needs(demo: Demo, tmp_path: Path) -> None:
    assert demo
    command = [sys.executable, "-m", "dezky_ops", "backup", str(tmp_path / "a.backup"), "--quiet"]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    assert ended.stderr == ""


def test_no_room_is_said_and_leaves_nothing(
    ops: Ops, demo: Demo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A limit on the size of files stands in for a full disk."""
    assert demo
    monkeypatch.setattr(
        apart, "PROGRAM", f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536)); {apart.PROGRAM}"
    )
    ended = ops("backup", tmp_path / "a.backup")
    assert ended.code == 1
    assert ended.err.split(":")[0] in ("no_space", "unreadable_store")
    assert not [file for file in tmp_path.iterdir() if "backup" in file.name]


def test_the_oldest_backups_go_when_a_new_one_is_good(ops: Ops, demo: Demo, tmp_path: Path) -> None:
    assert demo
    folder = tmp_path / "backups"
    folder.mkdir()
    for day in range(1, 6):
        (folder / f"dezky-2026010{day}T000000Z.backup").write_bytes(b"old")
    (folder / "notes.txt").write_text("stay")
    assert ops("backup", folder, "--keep", 3).code == 0
    names = sorted(file.name for file in folder.iterdir())
    assert names[:2] == ["dezky-20260104T000000Z.backup", "dezky-20260105T000000Z.backup"]
    assert len(names) == 4
    assert names[-1] == "notes.txt"


def test_a_file_that_is_there_is_not_written_over(ops: Ops, demo: Demo, backup: Path) -> None:
    assert demo
    content = backup.read_bytes()
    assert ops("backup", backup).code == 4
    assert backup.read_bytes() == content


def test_what_cannot_be_backed_up_is_said(ops: Ops, tmp_path: Path) -> None:
    nothing = ops("backup", tmp_path / "x.backup", "--store", f"sqlite:{tmp_path / 'none.sqlite'}")
    assert (nothing.code, nothing.err.split(":")[0]) == (3, "no_store")
    assert not (tmp_path / "none.sqlite").exists()
    other = tmp_path / "other.sqlite"
    other.write_bytes(os.urandom(4_096))
    broken = ops("backup", tmp_path / "x.backup", "--store", f"sqlite:{other}")
    assert (broken.code, broken.err.split(":")[0]) == (1, "unreadable_store")
    foreign = tmp_path / "foreign.sqlite"
    with closing(sqlite3.connect(foreign)) as connection, connection:
        connection.execute("CREATE TABLE tenants(id INTEGER PRIMARY KEY, name TEXT)")
    assert ops("backup", tmp_path / "x.backup", "--store", f"sqlite:{foreign}").code != 0
    assert ops("backup", tmp_path / "no folder" / "x.backup", "--store", f"sqlite:{foreign}").code != 0
    assert not list(tmp_path.glob("*.backup"))
