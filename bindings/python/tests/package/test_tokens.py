"""Tokens are verified as the API verifies them."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from conftest import World
from dezky import Dezky, InvalidToken, Unavailable


def encoded(claims: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()


def claims_of(token: str) -> dict[str, object]:
    payload = token.split(".")[1]
    claims: dict[str, object] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return claims


def test_a_genuine_token_says_who_is_calling_and_is_the_same_object_as_long_as_it_is_remembered(
    dezky: Dezky, world: World
) -> None:
    token = world.people["anna"]["token"]
    verified = dezky.verify(token)
    assert (verified.subject, verified.issuer_id) == ("anna", "default")
    assert verified.expires_at > datetime.now(UTC)
    assert verified.issued_at.timestamp() == claims_of(token)["iat"]
    assert verified.email == "anna@example.eu"
    assert dezky.verify("".join(token)) is verified
    assert "anna@example.eu" not in repr(verified)
    with pytest.raises(AttributeError):
        verified.subject = "paul"  # type: ignore[misc]


def test_a_token_that_is_not_genuine_is_refused_with_the_reason(dezky: Dezky, world: World) -> None:
    token = world.people["anna"]["token"]
    header, payload, signature = token.split(".")
    forged = ".".join([header, encoded({**claims_of(token), "sub": "paul"}), signature])
    unsigned = ".".join([encoded({"alg": "none"}), payload, ""])
    for wrong, code in [
        (forged, "token_signature"),
        (unsigned, "token_algorithm"),
        ("", "token_missing"),
        ("a.b.c.d.e", "token_encrypted"),
        ("x" * 20_000, "token_too_large"),
    ]:
        with pytest.raises(InvalidToken) as refused:
            dezky.verify(wrong)
        assert (refused.value.code, refused.value.status) == (code, 401)


def test_keys_are_fetched_when_none_are_at_hand(world: World, tmp_path: Path) -> None:
    with Dezky.open(**{**world.options, "store": f"sqlite:{tmp_path}/empty.sqlite"}) as other:
        assert other.verify(world.people["anna"]["token"]).subject == "anna"


def test_an_issuer_that_is_away_is_told_from_a_token_that_is_refused(world: World, tmp_path: Path) -> None:
    options = {name: value for name, value in world.options.items() if not name.startswith("oidc_")}
    issuers = [{"id": "default", "urls": [world.issuer], "audiences": ["dezky"], "jwks": "http://127.0.0.1:1/keys"}]
    with Dezky.open(**{**options, "issuers": issuers, "store": f"sqlite:{tmp_path}/away.sqlite"}) as other:
        with pytest.raises(Unavailable) as refused:
            other.verify(world.people["anna"]["token"])
        assert (refused.value.code, refused.value.retryable) == ("issuer_unavailable", True)
