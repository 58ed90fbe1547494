"""Errors are classes, with everything that the API says."""

from __future__ import annotations

import pickle
import re
import threading
from pathlib import Path
from typing import Any

import dezky as package
import pytest
from conftest import World
from dezky import ConfigurationError, Dezky, DezkyError, Internal, Invalid, InvalidToken, Scope, Unavailable, _native
from dezky._errors import from_failure


def test_an_error_has_its_class_code_status_fields_and_request_id(system: Scope) -> None:
    with pytest.raises(Invalid) as raised:
        system.tenants.create(slug="A", name="", plan="a b")
    error = raised.value
    assert isinstance(error, DezkyError)
    assert (error.kind, error.code, error.status, error.retryable) == ("invalid", "invalid_fields", 422, False)
    assert sorted(field.field for field in error.fields) == ["name", "plan", "slug"]
    assert re.fullmatch("[0-9a-f]{24}", error.request_id or "")
    assert str(error) == error.message


def test_there_is_a_class_for_each_kind() -> None:
    kinds = {made.kind for made in DezkyError.__subclasses__()}
    assert kinds == {
        "bad_request", "unauthenticated", "forbidden", "not_found", "method_not_allowed", "conflict", "precondition_failed",
        "payload_too_large", "unsupported_media_type", "invalid", "rate_limited", "configuration", "unavailable", "internal",
    }  # fmt: skip
    assert {made.__name__ for made in DezkyError.__subclasses__()} <= set(package.__all__)


def test_an_error_can_be_sent_to_another_process(dezky: Dezky) -> None:
    with pytest.raises(InvalidToken) as raised:
        dezky.as_user("no-token").me()
    again = pickle.loads(pickle.dumps(raised.value))
    assert (type(again), vars(again)) == (type(raised.value), vars(raised.value))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"store": "nowhere"}, r"^the option `store`: "),
        ({"public_domain": "not a domain"}, r"^the option `public_domain`: "),
        ({"issuers": [{"id": "a", "urls": ["x"], "audiences": []}]}, r"^the option `issuers`: "),
        ({"issuers": [{"id": 1}]}, r"^the option `issuers`: "),
        ({"config": "/nowhere/dezky.toml"}, r"^the option `config`: "),
    ],
)
def test_a_wrong_setting_is_named_as_the_program_calls_it(world: World, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        Dezky.open(**{**world.options, **options})


def test_a_store_is_required() -> None:
    with pytest.raises(ConfigurationError, match="`DEZKY_STORE`"):
        Dezky.open(environment=False)
    with pytest.raises(TypeError):
        Dezky.open(stor="x")  # type: ignore[call-arg]


def test_settings_come_from_the_environment_and_options_win(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DEZKY_STORE", f"sqlite:{tmp_path}/variable.sqlite")
    with Dezky.open(log="off") as opened:
        opened.as_system("test").tenants.create(slug="acme", name="Acme")
    assert (tmp_path / "variable.sqlite").exists()
    with Dezky.open(store=f"sqlite:{tmp_path}/option.sqlite") as opened:
        assert list(opened.as_system("test").tenants.list()) == []


def test_without_an_issuer_the_system_calls_and_no_token_is_accepted(tmp_path: Path, world: World) -> None:
    with Dezky.open(environment=False, store=f"sqlite:{tmp_path}/a.sqlite", log="off") as opened:
        user = opened.as_system("test").users.create(authentik_subject_id="anna")
        assert user.issuer_id == "default"
        with pytest.raises(InvalidToken) as refused:
            opened.as_user(world.people["anna"]["token"]).me()
        assert refused.value.code == "token_issuer"


def test_what_is_closed_says_so(world: World) -> None:
    other = Dezky.open(**world.options)
    other.close()
    other.close()
    token = world.people["anna"]["token"]
    for call in (
        lambda: other.as_user(token).me(),
        lambda: other.verify(token),
        lambda: other.as_system("t").rights("a"),
    ):
        with pytest.raises(Unavailable) as raised:
            call()
        assert (raised.value.code, raised.value.retryable) == ("closed", False)


def test_closing_waits_for_what_is_under_way(world: World, system: Scope) -> None:
    other = Dezky.open(**world.options)
    writer = other.as_system("test")
    slugs = [f"closing-{n}" for n in range(20)]
    outcomes: list[object] = []
    calls = [writer.each(writer.tenants.create, [{"slug": slug, "name": "C"}]) for slug in slugs]
    threads = [threading.Thread(target=lambda call=call: outcomes.extend(call)) for call in calls]
    for thread in threads:
        thread.start()
    other.close()
    for thread in threads:
        thread.join()
    done = [outcome for outcome in outcomes if not isinstance(outcome, DezkyError)]
    refused = [outcome for outcome in outcomes if isinstance(outcome, DezkyError)]
    assert len(outcomes) == len(slugs)
    assert {error.code for error in refused} <= {"closed"}
    there = {tenant.slug for tenant in system.tenants.list(search="c") if tenant.slug in slugs}
    assert there == {tenant.slug for tenant in done}  # type: ignore[attr-defined]


def test_a_panic_is_an_error_and_the_process_goes_on(anna: Scope) -> None:
    with pytest.raises(_native.Failure) as raised:
        _native.test_kit.panic()  # type: ignore[attr-defined]
    error = from_failure(raised.value)
    assert isinstance(error, Internal)
    assert "a test asked for it" not in str(error)
    assert anna.me().user.name == "Anna Example"


def test_no_constructor_but_open_makes_one() -> None:
    with pytest.raises(TypeError):
        Dezky(None)  # type: ignore[arg-type]
