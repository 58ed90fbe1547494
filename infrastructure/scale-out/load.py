"""A steady load: reads and writes at a rate, whatever becomes of them. Every answer is counted by its status."""

import asyncio
import itertools
import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from estate import LOOPBACK
from programs import PATIENCE

# Of so many requests one is a write, and one a person's profile, the dearest read.
WRITES, PROFILES = 5, 7
# How a connection that broke is counted, beside statuses.
BROKEN = "connection broken"


@dataclass
class Request:
    """A request, and what became of it."""

    begun: float
    is_write: bool
    ended: float = 0
    # Status, or BROKEN; none while it is under way.
    outcome: int | str | None = None
    # The host that answered, as the balancer says.
    host: str | None = None

    @property
    def failed(self) -> bool:
        """Returns whether the client has to deal with it: an error of the server's, or no answer."""
        return self.outcome is not None and (self.outcome == BROKEN or self.outcome >= 500)

    @property
    def kind(self) -> str:
        """Returns what it was."""
        return "write" if self.is_write else "read"


class Load:
    """Sends requests to the balancer from a thread with a loop of its own, until it is stopped.

    Requests begin when they are due, also while others wait for their answers. A write has a key, and is sent again with it until
    it is acknowledged.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, port: int, keys: list[str], token: str, rate: int):
        self.loop, self.port, self.rate = loop, port, rate
        # Reads by a person with a token, and everything else by machines with keys, in turns.
        self.keys, self.token = keys, token
        self.requests: list[Request] = []
        # Every acknowledged write: the id that the answer had, by slug, and when it was acknowledged.
        self.acknowledged: dict[str, tuple[str, float]] = {}
        self.repeated = 0
        self.changed = threading.Condition()
        self.idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self.going = True
        self.under_way: set[asyncio.Task] = set()
        self.pacing = asyncio.run_coroutine_threadsafe(self._pace(), loop)

    async def _pace(self) -> None:
        begun = self.loop.time()
        for number in itertools.count():
            await asyncio.sleep(begun + number / self.rate - self.loop.time())
            if not self.going:
                break
            task = self.loop.create_task(self._write(number) if number % WRITES == 0 else self._read(number))
            self.under_way.add(task)
            task.add_done_callback(self.under_way.discard)
        await asyncio.gather(*self.under_way)
        for _, writer in self.idle:
            writer.close()

    async def _read(self, number: int) -> None:
        request = Request(self.loop.time(), is_write=False)
        newest = next(reversed(self.acknowledged.values()), None)
        if newest and number % PROFILES:
            await self._send(request, f"/tenants/{newest[0]}", self.keys[number % len(self.keys)])
        else:
            await self._send(request, "/users/me", self.token)

    async def _write(self, number: int) -> None:
        slug = f"load-{number}"
        body = json.dumps({"slug": slug, "name": f"Load {number}", "status": "active"}).encode()
        pause = 0.1
        while True:
            request = Request(self.loop.time(), is_write=True)
            made = await self._send(request, "/tenants", self.keys[number // WRITES % len(self.keys)], body, slug)
            if made is not None:
                break
            # As a client should: again, with the same key, a little later each time.
            self.repeated += 1
            await asyncio.sleep(pause)
            pause = min(2 * pause, 2)
        with self.changed:
            self.acknowledged[slug] = (made["id"], time.monotonic())
            self.changed.notify_all()

    async def _send(
        self, request: Request, path: str, credential: str, body: bytes = b"", key: str = ""
    ) -> dict | None:
        """Sends a request, notes what became of it, and returns the answer if it is a good one."""
        self.requests.append(request)
        lines = [
            f"{'POST' if body else 'GET'} {path} HTTP/1.1",
            "Host: balancer",
            f"Authorization: Bearer {credential}",
            *(
                [f"Idempotency-Key: {key}", "Content-Type: application/json", f"Content-Length: {len(body)}"]
                if body
                else []
            ),
        ]
        answer = None
        try:
            # An idle connection may be one that the balancer has closed.
            while self.idle and self.idle[-1][0].at_eof():
                self.idle.pop()[1].close()
            reader, writer = self.idle.pop() if self.idle else await asyncio.open_connection(LOOPBACK, self.port)
            writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:])}
            text = await reader.readexactly(int(headers.get("content-length", 0)))
            outcome, request.host = int(head[0].split()[1]), headers.get("x-answered-by")
            if headers.get("connection") == "close":
                writer.close()
            else:
                self.idle.append((reader, writer))
            if outcome in (200, 201):
                answer = json.loads(text)
        except (OSError, asyncio.IncompleteReadError):
            outcome = BROKEN
        with self.changed:
            request.ended, request.outcome = self.loop.time(), outcome
            self.changed.notify_all()
        return answer

    def place(self) -> int:
        """Returns the place after the last request so far."""
        return len(self.requests)

    def wait_for(self, is_there: Callable[[], bool], what: str) -> None:
        """Waits for what is asked again after each answer."""
        with self.changed:
            assert self.changed.wait_for(is_there, PATIENCE), what

    def settle(self, since: int) -> "Figures":
        """Waits for the answer of every request from a place until now, and returns their figures."""
        part = self.requests[since:]
        self.wait_for(lambda: all(request.outcome is not None for request in part), "some request is never answered")
        return Figures(part)

    def await_answers(self, count: int, host: str | None = None) -> None:
        """Waits until this many more requests, begun from now on, are answered well; by one host, if that is given."""
        since = self.place()

        def there() -> bool:
            good = (each for each in self.requests[since:] if each.outcome in (200, 201) and host in (None, each.host))
            return sum(1 for _ in good) >= count

        self.wait_for(there, f"no {count} more answers from {host or 'anybody'}")

    def abandon(self) -> None:
        """Leaves everything as it is, at once."""

        async def cancel() -> None:
            self.going = False
            for task in self.under_way:
                task.cancel()
            await asyncio.gather(*self.under_way, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(cancel(), self.loop).result(PATIENCE)

    def stop(self) -> None:
        """Sends no new requests, and waits for all answers, and until every write is acknowledged."""
        self.going = False
        self.pacing.result(PATIENCE)


class Figures:
    """What became of some requests."""

    def __init__(self, requests: list[Request]):
        self.requests = requests
        self.failed = [request for request in requests if request.failed]
        self.took = sorted(request.ended - request.begun for request in requests)

    def quantile(self, part: float) -> float:
        """Returns the time in milliseconds within which a part of them was answered."""
        return 1000 * self.took[min(int(part * len(self.took)), len(self.took) - 1)]

    def __str__(self) -> str:
        statuses = Counter(f"{each.kind} {each.outcome}" for each in self.requests)
        counts = ", ".join(f"{count} {name}" for name, count in sorted(statuses.items()))
        times = ", ".join(f"p{round(100 * part)} {self.quantile(part):.0f}" for part in (0.5, 0.99))
        return f"{counts}; {times}, at most {self.quantile(1):.0f} ms"
