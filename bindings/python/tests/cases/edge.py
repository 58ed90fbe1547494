"""The other end of tests/cases/main.rs: opens stores and answers requests, a line of JSON each.

`python edge.py async` sends requests to the application of `AsyncDezky` through the transport of httpx; `python edge.py sync` has uvicorn
serve that of `Dezky`, and asks it over a socket.
"""

from __future__ import annotations

import asyncio
import base64
import http.client
import json
import socket
import sys
import threading
from typing import Any, NamedTuple, Protocol

import httpx
import uvicorn
from dezky import AsyncDezky, Dezky, _native

test_kit = _native.test_kit  # type: ignore[attr-defined]


class Answer(NamedTuple):
    status: int
    headers: list[tuple[str, str]]
    body: bytes


class Edge(Protocol):
    async def send(self, said: dict[str, Any]) -> Answer: ...

    async def close(self) -> None: ...


def headers_of(said: dict[str, Any]) -> list[tuple[str, str]]:
    return [(name, value) for name, value in said["headers"] if name != "content-length"]


class Asynchronous:
    """The application of `AsyncDezky`, called in this process."""

    def __init__(self, platform: _native.Platform) -> None:
        self.dezky = AsyncDezky(platform)
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(app=self.dezky.asgi))

    async def send(self, said: dict[str, Any]) -> Answer:
        headers = headers_of(said)
        body = base64.b64decode(said["body"])
        request = self.client.build_request(said["method"], "http://dezky.test", headers=headers, content=body)
        # The headers that are said and no others, and the target with nothing put right.
        for name in set(request.headers) - {name for name, _ in headers} - {"host", "content-length"}:
            del request.headers[name]
        request.url = request.url.copy_with(raw_path=said["target"].encode("ascii"))
        response = await self.client.send(request)
        return Answer(response.status_code, response.headers.multi_items(), response.content)

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

    def ask(self, said: dict[str, Any]) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.socket.getsockname()[1], timeout=60)
        try:
            body = base64.b64decode(said["body"])
            headers = headers_of(said)
            named = {name for name, _ in headers}
            connection.putrequest(said["method"], said["target"], skip_host="host" in named, skip_accept_encoding=True)
            for name, value in headers:
                connection.putheader(name, value)
            if body:
                connection.putheader("content-length", str(len(body)))
            connection.endheaders(body or None)
            response = connection.getresponse()
            return Answer(response.status, response.getheaders(), response.read())
        finally:
            connection.close()

    async def send(self, said: dict[str, Any]) -> Answer:
        return await asyncio.to_thread(self.ask, said)

    async def close(self) -> None:
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
    status, headers, body = await edges[said["send"]].send(said)
    # Those of the server that carries it are no part of the answer.
    told = [(name.lower(), value) for name, value in headers if name.lower() not in ("date", "server")]
    return {"status": status, "headers": told, "body": base64.b64encode(body).decode()}


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
