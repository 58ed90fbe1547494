#!/usr/bin/env python3
"""Measures what a tenant, a person and a change cost in the store, and processes in memory: sizes.py [TENANTS [PEOPLE [CHANGES]]].

Tenants with that many people each, made over the API, on SQLite with emulated systems (`dezky dev`) and on the MongoDB-wire server.
"""

import concurrent.futures
import contextlib
import http.client
import itertools
import json
import os
import signal
import sqlite3
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import programs
from estate import LOOPBACK, Database, Process, get, resident
from programs import PATIENCE
from release import BINARY, Dev

THREADS = 4
SERVER = Path(os.environ["DEZKY_TEST_MONGODB_SERVER"])
# Asks the MongoDB-wire server, with the driver that it brings along.
STATISTICS = """
import json, sys, pymongo
found = pymongo.MongoClient(sys.argv[1]).scale
each = {name: found.command("collStats", name) for name in found.list_collection_names()}
print(json.dumps({name: [told.get("count", 0), told.get("size", 0), told.get("totalIndexSize", 0)] for name, told in each.items()}))
"""


class Client:
    """Calls the API from several threads, each with a connection and a credential of its own: writes of one caller wait for each other."""

    def __init__(self, port: int, credentials: list[str]):
        self.port, self.own, self.credentials = port, threading.local(), itertools.cycle(credentials)

    def call(self, method: str, path: str, body: dict | None = None) -> dict:
        """Calls, and returns the answer."""
        # A connection that has been idle for long may be closed.
        if method == "GET" or not hasattr(self.own, "connection"):
            self.own.connection = http.client.HTTPConnection(LOOPBACK, self.port, timeout=PATIENCE)
            credential = next(self.credentials)
            self.own.headers = {"Authorization": f"Bearer {credential}", "Content-Type": "application/json"}
        self.own.connection.request(method, path, body and json.dumps(body), self.own.headers)
        answer = self.own.connection.getresponse()
        text = answer.read()
        assert answer.status in (200, 201), text
        return json.loads(text)


def settle(metrics: str, client: Client, pending: bool) -> None:
    """Waits until the background tasks have followed every change."""
    end = time.monotonic() + 600
    while time.monotonic() < end:
        lines = [line for line in get(metrics)[1].splitlines() if line.startswith("dezky_events_waiting{")]
        idle = lines and all(line.endswith(" 0") for line in lines)
        if idle and not (pending and client.call("GET", "/tenants?status=pending&limit=1")["items"]):
            return
        time.sleep(0.5)
    raise AssertionError("the background tasks do not come to an end")


def measure(
    name: str, client: Client, settled: Callable[[], None], weigh: Callable[[], dict[str, int]], counts
) -> None:
    """Makes tenants, people and changes, weighs the store after each, and prints the growth."""
    tenants, people, changes = counts
    settled()
    weights, begun, took = [weigh()], [time.monotonic()], []

    def phase(work: Callable[[int], str | None], count: int) -> list[str | None]:
        with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
            done = list(pool.map(work, range(count)))
        ended = time.monotonic()
        settled()
        weights.append(weigh())
        took.append((ended - begun[-1], time.monotonic() - ended))
        begun.append(time.monotonic())
        return done

    def found(number: int) -> str:
        return client.call("POST", "/tenants", {"slug": f"size-{number}", "name": f"Company Number {number}"})["id"]

    made = phase(found, tenants)

    def join(number: int) -> None:
        person = {
            "authentikSubjectId": f"7f8d2c1e-{number:08d}-4b1a",
            "email": f"person.number{number}@company{number % tenants}.example",
            "name": f"Person Number {number}",
        }
        user = client.call("POST", "/users", person)["id"]
        client.call("POST", f"/tenants/{made[number % tenants]}/members", {"userId": user})

    phase(join, tenants * people)

    def change(number: int) -> None:
        client.call("PATCH", f"/tenants/{made[number % tenants]}", {"name": f"Company Renamed {number}"})

    phase(change, changes)
    print(f"{name}: {tenants} tenants, {people} people each, {changes} changes", flush=True)
    for what, count, before, after in zip(
        ("tenant", "person", "change"), (tenants, tenants * people, changes), weights, weights[1:], strict=False
    ):
        grown = {part: round((after[part] - before.get(part, 0)) / count) for part in after}
        largest = sorted((part for part in grown if part != "all"), key=lambda part: -grown[part])[:9]
        parts = ", ".join(f"{part} {grown[part]}" for part in largest if grown[part])
        print(f"  bytes for each {what}: {grown['all']} ({parts})", flush=True)
    times = ", ".join(f"{work:.0f} + {after:.0f} s" for work, after in took)
    print(
        f"  in all {weights[-1]['all'] / 1e6:.1f} MB, from {weights[0]['all'] / 1e6:.1f} MB; made, and followed: {times}"
    )


def sqlite(folder: Path, ending: contextlib.ExitStack, counts) -> None:
    """Measures on SQLite, as a backup copies it."""
    dev = Dev(folder)
    ending.callback(dev.end)
    copy = folder / "copy.sqlite"

    def weigh() -> dict[str, int]:
        copy.unlink(missing_ok=True)
        with contextlib.closing(sqlite3.connect(dev.store)) as store:
            store.execute("VACUUM INTO ?", (str(copy),))
        with contextlib.closing(sqlite3.connect(copy)) as store:
            owners = dict(store.execute("SELECT name, tbl_name FROM sqlite_schema"))
            weights: dict[str, int] = {"all": copy.stat().st_size}
            for name, size in store.execute("SELECT name, SUM(pgsize) FROM dbstat GROUP BY name"):
                part = owners.get(name, name)
                weights[part] = weights.get(part, 0) + size
        return weights

    client = Client(int(dev.origin.rsplit(":", 1)[1]), [dev.token])
    measure("SQLite", client, lambda: settle(f"{dev.origin}/metrics", client, True), weigh, counts)
    live = sum(file.stat().st_size for file in dev.store.parent.glob("dezky.sqlite*"))
    print(
        f"  files of the running store: {live / 1e6:.1f} MB; resident, with the emulated systems: {resident(dev.process.pid):.0f} MB"
    )


def wire(folder: Path, ending: contextlib.ExitStack, counts) -> None:
    """Measures on the MongoDB-wire server: documents and indexes as it counts them."""
    database = Database(SERVER, folder, 60)
    ending.callback(database.end, signal.SIGKILL)
    settings = {
        "DEZKY_STORE": database.uri(),
        # No token is verified here, and nothing answers there.
        "DEZKY_OIDC_ISSUER": f"http://{LOOPBACK}:9/",
        "DEZKY_OIDC_AUDIENCE": "dezky",
        "DEZKY_CALLER_RATE": "off",
        "DEZKY_ADDRESS_RATE": "off",
    }
    host = Process("host", "serve", BINARY, folder, settings | {"DEZKY_TASKS": "none"})
    worker = Process("worker", "worker", BINARY, folder, settings)
    for each in (worker, host):
        ending.callback(each.end)
        each.start()
    while "seed" in host.obstacles():
        time.sleep(0.1)
    idle = {each.name: each.resident() for each in (host, worker)}
    scopes = ("tenant.create", "tenant.list", "tenant.update", "user.create", "membership.grant")
    words = [word for scope in scopes for word in ("--scope", scope)]
    environment = programs.clean(DEZKY_STORE=database.uri())
    command = (BINARY, "api-key", "create", "sizes", *words, "--json")
    keys = [json.loads(programs.run(*command, env=environment).stdout)["secret"] for _ in range(THREADS)]

    def weigh() -> dict[str, int]:
        told = json.loads(programs.run(SERVER.parent / "python", "-c", STATISTICS, database.uri()).stdout)
        weights = {name: size + indexes for name, (_, size, indexes) in told.items()}
        return weights | {"all": sum(weights.values())}

    client = Client(host.port, keys)
    metrics = f"http://{LOOPBACK}:{worker.operations}/metrics"
    measure("MongoDB-wire server", client, lambda: settle(metrics, client, False), weigh, counts)
    disk = sum(file.stat().st_size for file in database.data.rglob("*") if file.is_file())
    busy = {each.name: each.resident() for each in (host, worker)}
    print(
        f"  folder of the server: {disk / 1e6:.1f} MB; resident in MB, idle and after the load: {idle}, {busy};"
        f" the server {resident(database.process.pid):.0f}"
    )


def main() -> None:
    """Measures both."""
    # So that an end from outside ends everything that was started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    counts = [int(word) for word in sys.argv[1:]] + [200, 10, 1000][len(sys.argv) - 1 :]
    for store in (sqlite, wire):
        with contextlib.ExitStack() as ending, tempfile.TemporaryDirectory(prefix="dezky-sizes-") as folder:
            store(Path(folder), ending, counts)


if __name__ == "__main__":
    main()
