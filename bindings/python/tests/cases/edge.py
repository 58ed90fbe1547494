"""The other end of tests/cases/main.rs: opens stores and answers requests, a line of JSON each.

`python edge.py async` sends requests to the application of `AsyncDezky` through the transport of httpx; `python edge.py sync` has uvicorn
serve that of `Dezky`, and asks it over a socket.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
import socket
import sys
import threading
from typing import Any, Protocol

import httpx
import uvicorn
from dezky import AsyncDezky, Dezky, _native

test_kit = _native.test_kit  # type: ignore[attr-defined]


class Edge(Protocol):
    async def send(self, said: dict[str, Any]) -> httpx.Response: ...

    async def close(self) -> None: ...


def request_of(client: httpx.AsyncClient, origin: str, said: dict[str, Any]) -> httpx.Request:
    """The request, with the headers that are said and no others."""
    headers = [(name, value) for name, value in said["headers"] if name != "content-length"]
    request = client.build_request(said["method"], origin, headers=headers, content=base64.b64decode(said["body"]))
    given = {name for name, _ in headers} | {"host", "content-length"}
    for name in set(request.headers) - given:
        del request.headers[name]
    # As it was said, with nothing put right.
    request.url = request.url.copy_with(raw_path=said["target"].encode("ascii"))
    return request


class Asynchronous:
    """The application of `AsyncDezky`, called in this process."""

    def __init__(self, platform: _native.Platform) -> None:
        self.dezky = AsyncDezky(platform)
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(app=self.dezky.asgi))

    async def send(self, said: dict[str, Any]) -> httpx.Response:
        return await self.client.send(request_of(self.client, "http://dezky.test", said))

    async def close(self) -> None:
        await self.client.aclose()
        await self.dezky.close()


class Synchronous:
    """The application of `Dezky`, served by uvicorn in a thread of its own."""

    def __init__(self, platform: _native.Platform) -> None:
        self.dezky = Dezky(platform)
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.server = uvicorn.Server(uvicorn.Config(self.dezky.asgi, log_level="warning", lifespan="on"))
        self.thread = threading.Thread(target=self.server.run, kwargs={"sockets": [self.socket]})
        self.thread.start()
        self.client = httpx.AsyncClient()
        self.origin = f"http://127.0.0.1:{self.socket.getsockname()[1]}"

    async def send(self, said: dict[str, Any]) -> httpx.Response:
        return await self.client.send(request_of(self.client, self.origin, said))

    async def close(self) -> None:
        await self.client.aclose()
        self.server.should_exit = True
        await asyncio.to_thread(self.thread.join)
        self.socket.close()
        self.dezky.close()


edges: dict[int, Edge] = {}


async def answer(said: dict[str, Any], make: type[Asynchronous | Synchronous]) -> dict[str, Any]:
    if "open" in said:
        options = {name: value for name, value in said["options"].items() if value is not None}
        edges[said["open"]] = make(test_kit.open_at(json.dumps(options), said["now"]))
        return {}
    test_kit.set_time(said["now"])
    response = await edges[said["send"]].send(said)
    # Those of the server that carries it are no part of the answer.
    told = [(name, value) for name, value in response.headers.multi_items() if not re.fullmatch("date|server", name)]
    return {"status": response.status_code, "headers": told, "body": base64.b64encode(response.content).decode()}


async def reply(said: dict[str, Any], make: type[Asynchronous | Synchronous]) -> None:
    if "close" in said:
        if edge := edges.pop(said["close"], None):
            await edge.close()
        return
    try:
        answered = await answer(said, make)
    except Exception as error:
        answered = {"failed": repr(error)}
    print(json.dumps({"id": said["id"], **answered}), flush=True)


async def main() -> None:
    modes: dict[str, type[Asynchronous | Synchronous]] = {"async": Asynchronous, "sync": Synchronous}
    make = modes[sys.argv[1]]
    running: set[asyncio.Task[None]] = set()
    while line := await asyncio.to_thread(sys.stdin.readline):
        task = asyncio.create_task(reply(json.loads(line), make))
        running.add(task)
        task.add_done_callback(running.discard)
    await asyncio.gather(*running)
    for edge in edges.values():
        await edge.close()


asyncio.run(main())
