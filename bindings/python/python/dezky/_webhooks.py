"""Verification of webhooks (Standard Webhooks)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_SECRET = "whsec_"
_TOLERANCE = 5 * 60


class WebhookVerificationError(Exception):
    """A webhook that is refused: it is not signed with the secret, not as it was sent, or too old."""


def verify_webhook(
    body: bytes | str,
    headers: Mapping[str, str],
    secrets: str | Sequence[str],
    *,
    tolerance: int = _TOLERANCE,
    now: float | None = None,
) -> dict[str, Any]:
    """Verifies a webhook and returns its event: ``id``, ``type``, ``timestamp``, ``tenantId`` and ``data``.

    Args:
        body: The body as it was received, byte for byte.
        headers: The headers of the request, in any case.
        secrets: The secret of the endpoint, or several while it is rotated.
        tolerance: Seconds by which its time may differ from this machine's.
        now: The time, in seconds since 1970; that of this machine without it.

    Raises:
        WebhookVerificationError: If it is not to be trusted.
    """
    keys = [_key(secret) for secret in ([secrets] if isinstance(secrets, str) else secrets)]
    known = {name.lower(): value for name, value in headers.items()}
    identifier, moment, signatures = (_header(known, f"webhook-{name}") for name in ("id", "timestamp", "signature"))
    current = time.time() if now is None else now
    if not (moment.isascii() and moment.isdigit() and len(moment) <= 12) or abs(current - int(moment)) > tolerance:
        message = "the webhook was signed too long ago, or ahead of time: set the clock of this machine right"
        raise WebhookVerificationError(message)
    content = body.encode() if isinstance(body, str) else body
    signed = f"{identifier}.{moment}.".encode() + content
    given = [_decoded(one[3:]) for one in signatures.split(" ") if one.startswith("v1,")]
    expected = [hmac.new(key, signed, hashlib.sha256).digest() for key in keys]
    if not any(hmac.compare_digest(one, other) for one in given for other in expected):
        message = "the signature fits none of the secrets, or the body is not as it was sent, byte for byte"
        raise WebhookVerificationError(message)
    event: dict[str, Any] = json.loads(content)
    return event


def _header(headers: Mapping[str, str], name: str) -> str:
    value = headers.get(name)
    if not value:
        message = f"the header `{name}` is missing"
        raise WebhookVerificationError(message)
    return value


def _key(secret: str) -> bytes:
    if not secret.startswith(_SECRET):
        message = f"a secret of an endpoint begins with `{_SECRET}`"
        raise ValueError(message)
    return base64.b64decode(secret[len(_SECRET) :])


def _decoded(signature: str) -> bytes:
    try:
        return base64.b64decode(signature, validate=True)
    except ValueError:
        return b""
