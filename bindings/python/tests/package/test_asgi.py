"""The whole API as an ASGI application, under uvicorn, through httpx, and by hand where they do not go."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import uvicorn
from conftest import World
from dezky import AsyncDezky, Dezky, NotFound, Scope
from dezky._asgi import Asgi
from starlette.applications import Starlette
from starlette.routing import Mount


@contextlib.contextmanager
def served(application: Any, **settings: Any) -> Iterator[str]:
    """An application served by uvicorn."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(application, log_level="warning", lifespan="on", **settings))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


def headers(world: World) -> dict[str, str]:
    return {"authorization": f"Bearer {world.people['anna']['token']}"}


async def test_it_answers_what_the_server_answers(dezky: Dezky, world: World) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=dezky.asgi), base_url="http://dezky.test") as client:
        own = await client.get("/users/me", headers=headers(world))
        served_answer = world.http("/users/me", "anna")
        assert (own.status_code, own.content) == (200, served_answer.content)
        assert own.headers["etag"] == served_answer.headers["etag"]
        unchanged = await client.get("/users/me", headers={**headers(world), "if-none-match": own.headers["etag"]})
        assert (unchanged.status_code, unchanged.content) == (304, b"")
        refused = await client.post("/tenants", json={"slug": "mine", "name": "Mine"}, headers=headers(world))
        assert (refused.status_code, refused.headers["content-type"]) == (403, "application/problem+json")
        assert (await client.get("/openapi.json")).json()["openapi"].startswith("3.1")


def test_uvicorn_serves_it(dezky: Dezky, world: World) -> None:
    with served(dezky.asgi) as origin, httpx.Client(base_url=origin, headers=headers(world)) as client:
        assert client.get("/users/me").json()["user"]["name"] == "Anna Example"
        assert client.head("/users/me").status_code in (200, 405)
        assert client.post("/tenants", content=b"x" * 2_000_000).status_code == 413
        assert client.get("/nowhere").json()["code"] == "route_not_found"


def test_a_framework_mounts_it(dezky: Dezky, world: World) -> None:
    application = Starlette(routes=[Mount("/api/v1", app=dezky.asgi)])
    with served(application) as origin, httpx.Client(base_url=origin, headers=headers(world)) as client:
        assert client.get("/api/v1/users/me").json()["user"]["name"] == "Anna Example"
        tenant = client.get("/api/v1/tenants/dezky?limit=1").json()
        assert tenant["slug"] == "dezky"
        assert client.get("/api/v1/tenants/dezky%2Fmembers").status_code == 404
    with served(dezky.asgi, root_path="/behind/a/proxy") as origin:
        assert httpx.get(f"{origin}/users/me", headers=headers(world)).status_code == 200


class Connection:
    """A connection of ASGI, by hand."""

    def __init__(self, messages: list[dict[str, Any]]) -> None:
        self.messages = messages
        self.sent: list[Any] = []
        self.received = 0
        self.waits = asyncio.Event()
        self.gone = asyncio.Event()

    async def receive(self) -> dict[str, Any]:
        self.received += 1
        if self.messages:
            return self.messages.pop(0)
        self.waits.set()
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        self.sent.append(message)


def scope_of(method: str, path: str, more: list[tuple[bytes, bytes]] | None = None) -> dict[str, Any]:
    return {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http", "path": path,
        "raw_path": path.encode(), "query_string": b"", "root_path": "", "headers": more or [],
    }  # fmt: skip


async def test_a_body_that_is_too_large_is_refused_and_not_taken_in(dezky: Dezky, world: World) -> None:
    parts: list[dict[str, Any]] = [
        {"type": "http.request", "body": bytes(65_536), "more_body": True} for _ in range(1000)
    ]
    connection = Connection(parts)
    authorization = [(b"authorization", headers(world)["authorization"].encode())]
    await dezky.asgi(scope_of("POST", "/tenants", authorization), connection.receive, connection.send)
    assert connection.sent[0]["status"] == 413
    assert len(parts) > 950, "it is not read to its end"


async def test_who_goes_before_the_body_is_there_is_asked_nothing(dezky: Dezky) -> None:
    connection = Connection([{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}])
    await dezky.asgi(scope_of("POST", "/tenants"), connection.receive, connection.send)
    assert connection.sent == []


async def test_a_client_that_goes_ends_the_request(world: World, system: Scope, fresh: str) -> None:
    """Of what was asked for, all has happened or nothing, and the application returns."""
    paul = [(b"authorization", f"Bearer {world.people['paul']['token']}".encode())]
    async with AsyncDezky.open(**world.options) as opened:
        for n in range(20):
            body = f'{{"slug":"{fresh}-{n}","name":"Gone"}}'.encode()
            connection = Connection([{"type": "http.request", "body": body, "more_body": False}])
            scope = scope_of("POST", "/tenants", [*paul, (b"content-type", b"application/json")])
            answering = asyncio.create_task(opened.asgi(scope, connection.receive, connection.send))
            await connection.waits.wait()
            connection.gone.set()
            await answering
            try:
                there = system.tenants.get(f"{fresh}-{n}")
            except NotFound:
                assert connection.sent == []
                continue
            assert [event.action for event in system.audit.list(tenant=there.id)] == ["tenant.create"]


class Endless:
    """A platform whose answer never comes."""

    ended = False

    async def answer(self, *_: object) -> object:
        try:
            return await asyncio.get_running_loop().create_future()
        finally:
            self.ended = True


async def test_what_nobody_waits_for_is_ended() -> None:
    for ends in ("client", "server"):
        platform = Endless()
        connection = Connection([{"type": "http.request", "body": b"", "more_body": False}])
        application = Asgi(platform)  # type: ignore[arg-type]
        answering = asyncio.create_task(application(scope_of("GET", "/"), connection.receive, connection.send))
        await connection.waits.wait()
        if ends == "client":
            connection.gone.set()
        else:
            answering.cancel()
        await asyncio.wait([answering])
        await asyncio.sleep(0)  # What was ended hears of it.
        assert (ends, platform.ended, connection.sent) == (ends, True, [])


async def test_lifespan_is_answered_and_closes_nothing(dezky: Dezky, system: Scope) -> None:
    connection = Connection([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])
    await dezky.asgi({"type": "lifespan"}, connection.receive, connection.send)
    assert [message["type"] for message in connection.sent] == [
        "lifespan.startup.complete",
        "lifespan.shutdown.complete",
    ]
    assert system.tenants.get("dezky").slug == "dezky"


async def test_other_connections_are_refused(dezky: Dezky) -> None:
    connection = Connection([{"type": "websocket.connect"}])
    await dezky.asgi({"type": "websocket"}, connection.receive, connection.send)
    assert connection.sent == [{"type": "websocket.close", "code": 1000}]
    with pytest.raises(ValueError, match="carrier-pigeon"):
        await dezky.asgi({"type": "carrier-pigeon"}, connection.receive, connection.send)


async def test_what_is_closed_answers_503(world: World) -> None:
    opened = AsyncDezky.open(**world.options)
    await opened.close()
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=opened.asgi), base_url="http://dezky.test"
    ) as client:
        answer = await client.get("/users/me")
    assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (503, "closed", "1")
