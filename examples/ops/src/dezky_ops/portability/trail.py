"""Verification of an exported audit trail, from its description alone (docs/design/audit.md of Dezky)."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

FIRST = "0" * 64
"""The seal before the first event of a chain."""

CONTENT = (
    "actor",
    "changedFields",
    "checkpoint",
    "clientRequestId",
    "detailsDigest",
    "id",
    "removed",
    "requestId",
    "resource",
    "tenantId",
    "userId",
)
"""The members of an event that its `content` is the hash of."""


@dataclass(frozen=True, slots=True)
class Place:
    """What is left of an event in the chain: enough for its seal."""

    action: str
    at: str
    content: str
    hash: str


@dataclass(slots=True)
class Trail:
    """A chain as an export has it."""

    chain: str
    start_seq: int = 0
    start_hash: str = FIRST
    seq: int = 0
    hash: str = FIRST
    places: dict[int, Place] = field(default_factory=dict)
    twice: set[int] = field(default_factory=set)
    unsealed: int = 0

    def add(self, seq: int, place: Place) -> None:
        """Adds a place; of two with one number, both are told."""
        if seq in self.places:
            self.twice.add(seq)
        self.places[seq] = place

    def fault(self) -> tuple[int, str] | None:
        """The first number where something is wrong, and what."""
        previous = self.start_hash
        for seq in range(self.start_seq + 1, self.seq + 1):
            place = self.places.get(seq)
            if place is None:
                return seq, "missing"
            if seq in self.twice:
                return seq, "sealed_twice"
            link = {
                "action": place.action,
                "at": place.at,
                "chain": self.chain,
                "content": place.content,
                "previous": previous,
                "seq": seq,
            }
            previous = sha256(link)
            if previous != place.hash:
                return seq, "changed"
        return None if previous == self.hash else (self.seq, "end_moved")


def sha256(value: Mapping[str, Any]) -> str:
    """The hash of the canonical form of RFC 8785; members have ASCII names, and numbers are whole."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def read(records: Iterable[Mapping[str, Any]]) -> Trail | None:
    """The chain among the records of a tenant's export; none if nothing of it was sealed."""
    trail = Trail("")
    for record in records:
        document = record["document"]
        match record["collection"]:
            case "audit_events" if "seq" in document:
                content = sha256({name: document[name] for name in CONTENT if name in document})
                place = Place(document["action"], document["at"], content, document["hash"])
                trail.add(document["seq"], place)
            case "audit_events":
                trail.unsealed += 1
            case "audit_stubs":
                place = Place(document["action"], document["at"], document["content"], document["hash"])
                trail.add(document["seq"], place)
            case "audit_chains":
                trail.chain = document["tenantId"]
                trail.start_seq, trail.start_hash = document["startSeq"], document["startHash"]
                trail.seq, trail.hash = document["seq"], document["hash"]
            case _:
                pass
    return trail if trail.chain else None
