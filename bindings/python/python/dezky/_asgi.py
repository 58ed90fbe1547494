"""The whole API as an ASGI 3 application (https://asgi.readthedocs.io/en/latest/specs/main.html)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import quote

from . import _native

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_MOST = 1024 * 1024 + 1
"""What the API takes in, and one byte more: by it the router sees that a body is too large."""

_FAILED = (
    b'{"type":"about:blank","title":"Service Unavailable","status":503,"code":"closed","detail":"this was closed"}'
)

_FAILED_HEADERS = [
    (b"content-type", b"application/problem+json"),
    (b"retry-after", b"1"),
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
]


class _Gone(Exception):
    """The client went away."""


class Asgi:
    """The API as an ASGI 3 application. It is called by servers and frameworks, on asyncio.

    Opening and closing are for whoever opened it: ``lifespan`` is answered, and does neither.
    """

    __slots__ = ("_platform",)

    def __init__(self, platform: _native.Platform) -> None:
        self._platform = platform

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answers a connection."""
        if scope["type"] == "http":
            await self._answer(scope, receive, send)
        elif scope["type"] == "lifespan":
            await _live(receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1000})
        else:
            raise ValueError(f"ASGI connections of the type {scope['type']!r} are not known")

    async def _answer(self, scope: Message, receive: Receive, send: Send) -> None:
        try:
            body, whole = await _body(receive)
        except _Gone:
            return
        # The length is that of the body as it is handed over.
        headers = [(name, value) for name, value in scope["headers"] if name != b"content-length"]
        asked = asyncio.ensure_future(self._ask(scope["method"], _target(scope), headers, body))
        # What is left of a body that is too large is not read, not even to see the client go: the answer is there soon.
        gone = asyncio.ensure_future(_gone(receive) if whole else _never())
        try:
            await asyncio.wait((asked, gone), return_when=asyncio.FIRST_COMPLETED)
            if not asked.done():
                return
            status, told, content = asked.result()
        finally:
            # Whatever ends this ends both: of what was asked for, all has happened or nothing.
            asked.cancel()
            gone.cancel()
        await send({"type": "http.response.start", "status": status, "headers": told})
        await send({"type": "http.response.body", "body": content})

    async def _ask(
        self, method: str, target: str, headers: list[tuple[bytes, bytes]], body: bytes
    ) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
        try:
            return await self._platform.answer(method, target, headers, body)
        except _native.Failure:
            return 503, _FAILED_HEADERS, _FAILED


async def _body(receive: Receive) -> tuple[bytes, bool]:
    """The body, as far as the API would look at it, and whether that is all of it."""
    parts: list[bytes] = []
    length = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _Gone
        part: bytes = message.get("body", b"")
        parts.append(part)
        length += len(part)
        more = bool(message.get("more_body", False))
        if not more or length >= _MOST:
            return b"".join(parts)[:_MOST], not more


async def _gone(receive: Receive) -> None:
    """Waits until the client is gone."""
    message = await receive()
    if message["type"] != "http.disconnect":
        # A server that tells of something else after the body: nobody says when the client goes.
        await _never()


async def _never() -> None:
    await asyncio.get_running_loop().create_future()


def _target(scope: Message) -> str:
    """Path and query as they came, without the path under which the application is mounted."""
    raw: bytes | None = scope.get("raw_path")
    path = quote(scope["path"], safe="/:@!$&'()*+,;=~-._") if raw is None else raw.partition(b"?")[0].decode("latin-1")
    root: str = quote(scope.get("root_path", ""), safe="/:@!$&'()*+,;=~-._")
    if root and (path == root or path.startswith(root + "/")):
        path = path[len(root) :] or "/"
    query: bytes = scope.get("query_string", b"")
    return f"{path}?{query.decode('latin-1')}" if query else path


async def _live(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
        elif message["type"] == "lifespan.shutdown":
            await send({"type": "lifespan.shutdown.complete"})
            return
