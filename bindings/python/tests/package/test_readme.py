"""The README's code, as scripts/readme.py has taken it out, does what it says."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType

import httpx
import pytest
from conftest import World
from dezky import AsyncDezky, Dezky, NotFound, Scope

sys.path.insert(0, str(Path(__file__).parent.parent / ".readme"))


def module(name: str) -> ModuleType:
    return importlib.import_module(f"readme_{name}")


def test_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    told = module("start").main(f"sqlite:{tmp_path}/a.sqlite")
    assert any(line.startswith("acme since 2") for line in told)


async def test_start_on_asyncio(world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    options = world.options
    token = world.people["anna"]["token"]
    said = await module("start_async").main(options["store"], options["oidc_issuer"], options["oidc_audience"], token)
    assert said.startswith("Anna Example: ")
    assert "Dezky" in said


def test_scopes_and_errors(dezky: Dezky, world: World, system: Scope, capsys: pytest.CaptureFixture[str]) -> None:
    anna = world.people["anna"]
    errors = module("errors")
    assert errors.rename(dezky, anna["token"], "Acme") == "there is no such tenant"
    system.tenants.create(slug="acme", name="Acme", status="active")
    scopes = module("scopes")
    assert scopes.invite(dezky, "acme", [anna["id"], "0" * 24]) == ["0" * 24]
    system.members.update("acme", anna["id"], role="owner")
    assert scopes.administer(dezky, anna["token"]).name == "Acme & Söhne GmbH"
    assert "Anna Example" in capsys.readouterr().out
    assert "tenant.update: allow, granted to owner" in scopes.why(dezky, anna["id"], "acme")
    assert errors.rename(dezky, anna["token"], "Acme") == "done"
    assert errors.rename(dezky, anna["token"], "").startswith("name ")
    system.tenants.delete("acme")
    with pytest.raises(NotFound):
        scopes.administer(dezky, anna["token"])


def test_tokens(dezky: Dezky, world: World) -> None:
    assert module("tokens").subject(dezky, world.people["anna"]["token"]) == "anna"


async def test_application(world: World) -> None:
    application = module("application").application(AsyncDezky.open(**world.options))
    headers = {"authorization": f"Bearer {world.people['anna']['token']}"}
    transport = httpx.ASGITransport(app=application)
    async with (
        application.router.lifespan_context(application),
        httpx.AsyncClient(transport=transport, base_url="http://dezky.test", headers=headers) as client,
    ):
        assert (await client.get("/api/users/me")).json()["user"]["name"] == "Anna Example"
