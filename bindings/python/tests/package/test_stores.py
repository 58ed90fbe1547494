"""What operators' programs need of stores as such."""

from __future__ import annotations

from pathlib import Path

import pytest
from dezky import (
    ConfigurationError,
    Conflict,
    Dezky,
    DezkyError,
    check_input,
    copy_store,
    fingerprint,
    settings,
)


def filled(path: Path) -> str:
    store = f"sqlite:{path}"
    with Dezky.open(environment=False, store=store, log="off") as dezky:
        system = dezky.as_system("test")
        for n in range(5):
            system.tenants.create(slug=f"copied-{n}", name="Copied")
    return store


def test_a_copy_is_equal_and_a_change_is_seen(tmp_path: Path) -> None:
    source, target = filled(tmp_path / "source.sqlite"), f"sqlite:{tmp_path}/target.sqlite"
    steps: list[tuple[str, str, int]] = []
    copied = copy_store(source, target, progress=lambda *step: steps.append(step))
    assert ("copied", "tenants", 5) in steps
    assert {one.collection: one.documents for one in copied}["tenants"] == 5
    told = fingerprint(source)
    assert told == fingerprint(target)
    assert [one.sha256 for one in told] == [one.sha256 for one in copied]
    with Dezky.open(environment=False, store=target, log="off") as dezky:
        dezky.as_system("test").tenants.update("copied-1", name="Changed")
    assert fingerprint(source) != fingerprint(target)
    with pytest.raises(Conflict) as refused:
        copy_store(source, target)
    assert refused.value.code == "target_not_empty"


def test_an_exception_of_the_progress_ends_a_copy_which_goes_on_later(tmp_path: Path) -> None:
    source, target = filled(tmp_path / "source.sqlite"), f"sqlite:{tmp_path}/target.sqlite"

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        copy_store(source, target, progress=stop)
    copy_store(source, target)
    assert fingerprint(source) == fingerprint(target)


def test_a_call_from_within_another_is_an_error(tmp_path: Path) -> None:
    source, target = filled(tmp_path / "source.sqlite"), f"sqlite:{tmp_path}/target.sqlite"
    with pytest.raises(Conflict) as refused:
        copy_store(source, target, progress=lambda *_: fingerprint(source))
    assert refused.value.code == "nested_call"


def test_what_is_no_store_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"^the option `source`: "):
        copy_store("nowhere", f"sqlite:{tmp_path}/a.sqlite")
    with pytest.raises(ConfigurationError, match="there is no file"):
        fingerprint(f"sqlite:{tmp_path}/none.sqlite")


def test_settings_are_told_and_nothing_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DEZKY_STORE", "mongodb://ops:secret@db.example.eu/dezky?replicaSet=a")
    monkeypatch.setenv("DEZKY_OIDC_ISSUER", "https://auth.example.eu/")
    monkeypatch.setenv("DEZKY_OIDC_AUDIENCE", "dezky")
    told = settings()
    assert told.store == "mongodb://ops:secret@db.example.eu/dezky?replicaSet=a"
    assert told.store_identity == "mongodb://db.example.eu/dezky"
    assert "secret" not in repr(told)
    assert [(issuer.id, issuer.urls, issuer.tenant) for issuer in told.issuers] == [
        ("default", ("https://auth.example.eu/",), None)
    ]
    assert settings(store="sqlite:a.sqlite", environment=False).store == "sqlite:a.sqlite"
    assert not (tmp_path / "a.sqlite").exists()
    with pytest.raises(ConfigurationError):
        settings(environment=False)


def test_inputs_are_read_as_the_operations_read_them() -> None:
    good = {"slug": "acme", "name": "Acme", "billing_info": {"company": "Acme GmbH"}, "status": "active"}
    assert check_input("tenants.create", good) == ()
    bad = check_input("tenants.create", {**good, "slug": "A", "billing_info": {"email": "nobody"}, "colour": "red"})
    assert sorted(field.field for field in bad) == ["billingInfo.email", "colour", "slug"]
    assert [field.field for field in check_input("users.create", {})] == ["authentikSubjectId"]
    assert check_input("subscriptions.create", {"tenant_id": "0" * 24, "seats": 3}) == ()
    assert [field.field for field in check_input("members.grant", {"user_id": "x"})] == ["userId"]
    with pytest.raises(DezkyError):
        check_input("tenants.explode", {})  # type: ignore[arg-type]
