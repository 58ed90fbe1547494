"""Verification of webhooks (Standard Webhooks)."""

from __future__ import annotations

import base64
import hmac
import json
import re
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
    tolerance: float = _TOLERANCE,
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
        ValueError: If a secret is not that of an endpoint.
    """
    keys = [_key(secret) for secret in ([secrets] if isinstance(secrets, str) else secrets)]
    known = {name.lower(): value for name, value in headers.items()}
    identifier, moment, signatures = (_header(known, f"webhook-{name}") for name in ("id", "timestamp", "signature"))
    _check_time(moment, time.time() if now is None else now, tolerance)
    content = body.encode() if isinstance(body, str) else body
    given = [one.encode() for one in signatures.split(" ")]
    signed = f"{identifier}.{moment}.".encode() + content
    expected = [b"v1," + base64.b64encode(hmac.digest(key, signed, "sha256")) for key in keys]
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
    try:
        key = base64.b64decode(secret.removeprefix(_SECRET), validate=True) if secret.startswith(_SECRET) else b""
    except ValueError:
        key = b""
    if not key:
        message = (
            f"a secret of an endpoint is `{_SECRET}` and a key in Base64: "
            "take it as creating or rotating the endpoint answered it"
        )
        raise ValueError(message)
    return key


def _check_time(moment: str, now: float, tolerance: float) -> None:
    """Refuses what was signed at another time than now, as far as is tolerated."""
    if not re.fullmatch(r"[0-9]{1,12}", moment):
        message = "the header `webhook-timestamp` is not a number of seconds"
        raise WebhookVerificationError(message)
    # Turned this way round, so that a tolerance or a time that is no number refuses.
    if not abs(now - int(moment)) <= tolerance:
        message = (
            f"the webhook was not signed within {tolerance} seconds of now: "
            "if it is new, set the clock of this machine right"
        )
        raise WebhookVerificationError(message)
