"""The audit trail of an archive, verified from its description."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from conftest import Demo, Ops

from dezky_ops.portability.trail import FIRST, Place, Trail, read, sha256


def sealed(count: int) -> list[dict[str, Any]]:
    """The records of an export with a chain of so many events."""
    chain, previous, records = "65f2a1b0c3d4e5f60718293a", FIRST, []
    for seq in range(1, count + 1):
        content = {"actor": {"kind": "system", "name": "tést"}, "changedFields": ["name"], "id": f"{seq:024x}"}
        content |= {"requestId": "r", "resource": {"id": chain, "type": "tenant"}, "tenantId": chain}
        link = {"action": "tenant.update", "at": f"2026-03-01T12:00:0{seq}.000Z"}
        previous = sha256({**link, "chain": chain, "content": sha256(content), "previous": previous, "seq": seq})
        document = {**content, **link, "seq": seq, "hash": previous, "chain": chain}
        records.append({"collection": "audit_events", "document": document})
    head = {"tenantId": chain, "seq": count, "hash": previous, "startSeq": 0, "startHash": FIRST}
    records.append({"collection": "audit_chains", "document": head})
    return records


def verified(records: list[dict[str, Any]]) -> tuple[int, str] | None:
    trail = read(records)
    assert trail is not None
    return trail.fault()


def test_what_is_as_it_was_sealed_has_no_fault() -> None:
    records = sealed(5)
    assert verified(records) is None
    assert verified(records[::-1]) is None


def test_a_stub_stands_for_its_event() -> None:
    records = sealed(5)
    whole = read(records)
    assert whole is not None
    stub = {"seq": 3, **{name: getattr(whole.places[3], name) for name in ("action", "at", "content", "hash")}}
    records[2] = {"collection": "audit_stubs", "document": stub}
    assert verified(records) is None


@pytest.mark.parametrize("name", ["action", "at", "requestId", "changedFields"])
def test_a_change_is_found(name: str) -> None:
    records = sealed(5)
    records[2]["document"][name] = "another"
    assert verified(records) == (3, "changed")


def test_a_missing_event_and_one_that_is_there_twice_are_found() -> None:
    records = sealed(5)
    assert verified(records[:1] + records[2:]) == (2, "missing")
    assert verified([*records, records[3]]) == (4, "sealed_twice")
    records[-1]["document"]["hash"] = FIRST
    assert verified(records) == (5, "end_moved")


def test_nothing_sealed_is_no_trail() -> None:
    assert read([{"collection": "audit_events", "document": {"id": "0"}}]) is None
    assert Trail("x", places={1: Place("a", "b", "c", "d")}, seq=1).fault() == (1, "changed")


def test_an_archive_without_seals_says_so(ops: Ops, demo: Demo, tmp_path: Path) -> None:
    """No server has run on the store of the demonstration, so that nothing is sealed."""
    target = tmp_path / "out.zip"
    assert ops("export-tenant", demo.largest, "--output", target).code == 0
    with zipfile.ZipFile(target) as archive:
        kept = [json.loads(line) for line in archive.read("everything.jsonl").decode().splitlines()]
    assert {"tenants", "memberships", "subscriptions", "audit_events"} <= {record["collection"] for record in kept}
    ended = ops("verify-trail", target)
    assert (ended.code, "no_trail" in ended.err) == (3, True)
