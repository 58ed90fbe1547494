"""What a person may do, and why, as the core's policy decides it."""

from __future__ import annotations

from enum import StrEnum

from ._documents import Document
from ._operations import Operation
from ._types import GrantSource, MembershipRole


class Outcome(StrEnum):
    """What follows from a decision."""

    ALLOW = "allow"
    REFUSE = "refuse"
    HIDE = "hide"


class Right(Document, frozen=True, kw_only=True):
    """The decision about one action."""

    action: str
    """The action, such as ``tenant.read``."""
    outcome: Outcome
    """``allow``, ``refuse``, or ``hide``: to the person it is as if the thing did not exist."""
    granted_as: str | None = None
    """As what it is allowed: ``owner``, ``admin``, ``member``, ``platform admin``."""
    reason: str
    """The stable name of the reason."""
    because: str
    """The reason, for a person."""
    forbidden_fields: tuple[str, ...] = ()
    """Of the fields that some may set by this action, those that the person may not."""


class Rights(Document, frozen=True, kw_only=True):
    """What a person may do in a tenant, or on the platform outside of tenants."""

    user_id: str
    """The person."""
    tenant_id: str | None = None
    """The tenant."""
    role: MembershipRole | None = None
    """The person's role in it, if in force."""
    source: GrantSource | None = None
    """Where that role came from."""
    rights: tuple[Right, ...]
    """Every action, in the order of the policy."""


RIGHTS: Operation[Rights] = Operation("GET", "/rights", Rights)
"""No route of the API: only what its answer is decoded to."""
