#!/usr/bin/env python3
"""Rehearses what three hosts and two workers on one store are for: an upgrade, losses, partitions.

Prints figures, and fails where a promise is not kept.

rehearse.py [short]: `short` has a small load and quick probes, and asserts the same.
"""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
import urllib.request
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import programs
from estate import LOOPBACK, Balancer, Database, Link, Process, Receiver
from load import Figures, Load
from programs import PATIENCE
from release import BINARY, Dev

# What a release is upgraded to; itself, if nothing else is given.
NEXT = Path(os.environ.get("DEZKY_REHEARSAL_NEXT", BINARY))
# Seconds after which the store ends a transaction whose host is gone. Until then it holds what it has written.
LIFETIME = int(os.environ.get("DEZKY_REHEARSAL_LIFETIME", "15"))
# Machines that write, each with a key. Writes of one caller wait for each other.
CALLERS = 6


@dataclass
class Form:
    """How large a rehearsal is."""

    # Requests a second.
    rate: int
    # Time between two probes of the balancer, and seconds in which a host that stops still takes requests.
    interval: str
    drain: int
    # Requests that are answered in an act before it goes on.
    answers: int
    # Seconds that a partition lasts at least.
    partition: float


FULL = Form(rate=15, interval="2s", drain=5, answers=100, partition=15)
SHORT = Form(rate=10, interval="200ms", drain=1, answers=10, partition=0)


@dataclass
class Loss:
    """A worker that was killed."""

    lost: Process
    heir: Process
    # Tasks that the lost one ran, and how often the other one had run each task until then.
    tasks: list[str]
    runs: dict[str, int]
    at: float
    # Sees the other one take over, and notes when it has, and what it has not.
    watch: threading.Thread | None = None
    taken: float = 0
    idle: list[str] = field(default_factory=list)


class Rehearsal:
    """The acts. They follow on each other, on one estate and one load."""

    def __init__(self, form: Form, ending: contextlib.ExitStack):
        self.form, self.ending = form, ending
        self.told: list[str] = []
        self.folder = Path(tempfile.mkdtemp(prefix="dezky-scale-out-"))
        ending.callback(shutil.rmtree, self.folder, ignore_errors=True)
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()
        ending.callback(self.loop.call_soon_threadsafe, self.loop.stop)
        self.database = Database(Path(os.environ["DEZKY_TEST_MONGODB_SERVER"]), self.folder, LIFETIME)
        ending.callback(self.database.end, signal.SIGKILL)
        # For its issuer.
        self.dev = Dev(self.folder, "--no-systems")
        ending.callback(self.dev.end)
        self.link = Link(self.loop, self.database.port)
        self.receiver = Receiver()
        ending.callback(self.receiver.end)

        self.hosts = [self.process(f"host-{number}", "serve") for number in (1, 2, 3)]
        self.workers = [self.process(f"worker-{number}", "worker") for number in (1, 2)]
        # The store of the last host is reached by a link that can be cut.
        self.hosts[2].settings["DEZKY_STORE"] = self.database.uri(self.link.port)
        for process in (*self.hosts, *self.workers):
            process.start()
        for process in (*self.hosts, *self.workers):
            self.await_ready(process)
        names = ("tenant.create", "tenant.read", "tenant.list", "audit.read_platform")
        scopes = [word for name in names for word in ("--scope", name)]
        self.keys = [
            self.operator("api-key", "create", f"load {number}", *scopes)["secret"] for number in range(CALLERS)
        ]
        self.operator("endpoint", "create", self.receiver.url, "--type", "tenant.create")
        self.balancer = Balancer(self.folder, self.hosts, form.interval)
        ending.callback(self.balancer.end, signal.SIGKILL)
        self.load = Load(self.loop, self.balancer.port, self.keys, self.dev.token, form.rate)
        ending.callback(self.load.abandon)

    def process(self, name: str, command: str) -> Process:
        """Makes a host or a worker that ends with the rehearsal."""
        settings = {
            "DEZKY_STORE": self.database.uri(),
            "DEZKY_OIDC_ISSUER": self.dev.told["issuer"],
            "DEZKY_OIDC_AUDIENCE": "dezky",
            "DEZKY_TASKS": "none" if command == "serve" else "all",
            "DEZKY_DRAIN_SECONDS": self.form.drain,
            # The load is one caller at one address.
            "DEZKY_CALLER_RATE": "off",
            "DEZKY_ADDRESS_RATE": "off",
            "DEZKY_TRUSTED_PROXIES": LOOPBACK,
            "DEZKY_WEBHOOKS_PRIVATE_ADDRESSES": "true",
        }
        made = Process(name, command, BINARY, self.folder, settings)
        self.ending.callback(made.end)
        return made

    def operator(self, *words: str) -> dict:
        """Runs an operator's command on the store."""
        environment = programs.clean(DEZKY_STORE=self.database.uri(), DEZKY_WEBHOOKS_PRIVATE_ADDRESSES="true")
        return json.loads(programs.run(BINARY, *words, "--json", env=environment, cwd=self.folder).stdout)

    @staticmethod
    def await_ready(process: Process) -> None:
        """Waits until a process says that it is ready, of which it writes nothing."""
        end = time.monotonic() + PATIENCE
        while obstacles := process.obstacles():
            assert time.monotonic() < end, f"{process.name} is not ready: {obstacles}"
            time.sleep(0.02)

    def tell(self, text: str) -> None:
        """Prints a figure."""
        print(text, flush=True)

    def upgrade_hosts(self) -> None:
        """Every host in turn is stopped as a supervisor does it, and started as the next release."""
        since = self.load.place()
        self.load.await_answers(self.form.answers)
        for host in self.hosts:
            place, begun = self.balancer.place(), time.monotonic()
            host.signal(signal.SIGTERM)
            away, why = self.balancer.await_state(host, "DOWN", place)
            # Told in time, not found out by a connection that was refused.
            assert why.startswith("Layer7 wrong status"), f"{host.name} went without a word: {why}"
            assert host.running.wait() == 0, host.running.written
            stopped = time.monotonic()
            place = self.balancer.place()
            host.start(NEXT)
            back, _ = self.balancer.await_state(host, "UP", place)
            self.load.await_answers(1, host.name)
            self.tell(
                f"  {host.name}: not used after {away - begun:.2f} s, stopped after {stopped - begun:.2f} s,"
                f" used again {back - stopped:.2f} s later"
            )
        self.load.await_answers(self.form.answers)
        self.tell_upgrade("3 hosts", since)

    def upgrade_workers(self) -> None:
        """The same of the workers, which the balancer does not know."""
        since = self.load.place()
        for worker in self.workers:
            worker.signal(signal.SIGTERM)
            assert worker.running.wait() == 0, worker.running.written
            worker.start(NEXT)
            self.await_ready(worker)
        self.load.await_answers(self.form.answers)
        self.tell_upgrade("2 workers", since)

    def tell_upgrade(self, what: str, since: int) -> None:
        """Prints the figures of an upgrade, in which nothing may fail."""
        figures = self.load.settle(since)
        self.tell(f"rolling upgrade of {what}: **{len(figures.failed)} failed** of {len(figures.requests)}: {figures}")
        assert not figures.failed, [(each.kind, each.outcome, each.host) for each in figures.failed]

    def lose_worker(self) -> Loss:
        """Kills the worker that has the most leases of tasks which follow events."""
        before = {worker.name: worker.runs() for worker in self.workers}
        self.load.await_answers(self.form.answers)

        def held(worker: Process) -> list[str]:
            # A run of `webhooks` goes on while there is something to deliver: it is seen by what comes.
            runs = worker.runs()
            return [task for task in runs if task != "webhooks" and runs[task] > before[worker.name].get(task, 0)]

        lost, heir = sorted(self.workers, key=lambda worker: -len(held(worker)))
        tasks = held(lost)
        assert tasks, "no worker does anything"
        lost.signal(signal.SIGKILL)
        lost.running.wait()
        loss = Loss(lost, heir, tasks, heir.runs(), time.monotonic())
        loss.watch = threading.Thread(target=self.watch, args=(loss,), daemon=True)
        loss.watch.start()
        return loss

    @staticmethod
    def watch(loss: Loss) -> None:
        """Notes when the other worker has run every task that the lost one ran, beside the other acts."""
        end = time.monotonic() + 2 * PATIENCE
        idle = loss.tasks
        while idle and time.monotonic() < end:
            runs = loss.heir.runs()
            idle = [task for task in idle if runs.get(task, 0) <= loss.runs.get(task, 0)]
            time.sleep(0.2)
        loss.idle, loss.taken = idle, time.monotonic()

    def await_heir(self, loss: Loss) -> None:
        """Waits until the other worker has taken over, and delivers the events of later writes."""
        loss.watch.join()
        assert not loss.idle, f"{loss.heir.name} does not take over {loss.idle}"
        came = len(self.receiver.came)

        def delivered() -> bool:
            later = [made for made, when in list(self.load.acknowledged.values()) if when > loss.at]
            return len(self.receiver.came) > came and any(made in self.receiver.came for made in later)

        self.receiver.wait_for(delivered, "nobody delivers the events of later writes")
        self.tell(
            f"{loss.lost.name} killed: {loss.heir.name} had run all of its {len(loss.tasks)} tasks after {loss.taken - loss.at:.1f} s"
            f" ({', '.join(sorted(loss.tasks))})"
        )
        loss.lost.start()
        self.await_ready(loss.lost)

    def lose_host(self) -> None:
        """Kills a host under load."""
        host = self.hosts[1]
        since, place = self.load.place(), self.balancer.place()
        self.load.await_answers(self.form.answers, host.name)
        host.signal(signal.SIGKILL)
        host.running.wait()
        gone, at = time.monotonic(), self.loop.time()
        away, _ = self.balancer.await_state(host, "DOWN", place)
        self.load.await_answers(self.form.answers)
        place = self.balancer.place()
        host.start()
        self.balancer.await_state(host, "UP", place)
        self.load.await_answers(1, host.name)
        figures = self.load.settle(since)
        self.tell(
            f"{host.name} killed: **{len(figures.failed)} failed** of {len(figures.requests)};"
            f" out of the balancer after {away - gone:.2f} s: {figures}"
        )
        # What was under way on it may fail; of that, the balancer repeats reads.
        late = [each for each in figures.failed if not each.is_write or each.begun > at]
        assert not late, f"failed, and was no write under way on the lost host: {late}"

    def part(self, how: str, cut, mend) -> None:
        """Cuts a host off from the store, and mends that."""
        host = self.hosts[2]
        since, place = self.load.place(), self.balancer.place()
        self.load.await_answers(self.form.answers, host.name)
        begun = time.monotonic()
        cut()
        away, _ = self.balancer.await_state(host, "DOWN", place)
        obstacles = host.obstacles()
        assert obstacles == ["store"], obstacles
        # The others go on, for as long as it lasts.
        self.load.await_answers(self.form.answers)
        while time.monotonic() - begun < self.form.partition:
            self.load.await_answers(1)
        place, mended = self.balancer.place(), time.monotonic()
        mend()
        back, _ = self.balancer.await_state(host, "UP", place)
        self.load.await_answers(self.form.answers, host.name)
        figures = self.load.settle(since)
        by = Counter(f"{each.kind} {each.outcome}" for each in figures.failed)
        self.tell(
            f"partition by {how} for {mended - begun:.1f} s: **{len(figures.failed)} failed** of {len(figures.requests)}"
            f" ({dict(by)}); {host.name} out of the balancer after {away - begun:.2f} s, back {back - mended:.2f} s after"
            f" the end: {figures}"
        )
        elsewhere = [each for each in figures.failed if each.host != host.name]
        assert not elsewhere, f"failed elsewhere than on {host.name}: {elsewhere}"

    def pages(self, path: str) -> list[dict]:
        """Returns all items of a list."""
        items, cursor = [], ""
        while cursor is not None:
            page = self.asked(f"{path}limit=200{cursor and f'&cursor={cursor}'}")
            items += page["items"]
            cursor = page["nextCursor"]
        return items

    def asked(self, path: str) -> dict:
        request = urllib.request.Request(
            f"http://{LOOPBACK}:{self.hosts[0].port}{path}", headers={"Authorization": f"Bearer {self.keys[0]}"}
        )
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return json.load(answer)

    def account(self) -> None:
        """Holds every acknowledged write to the store, the events, the webhooks and the audit trail."""
        memory = {each.name: each.resident() for each in (*self.hosts, *self.workers)}
        self.load.stop()
        ids = {slug: made for slug, (made, _) in self.load.acknowledged.items()}
        self.receiver.wait_for(lambda: set(ids.values()) <= self.receiver.came.keys(), "some write is never delivered")
        stored = Counter((each["slug"], each["id"]) for each in self.pages("/tenants?"))
        told = Counter(each["tenantId"] for each in self.pages("/events?types=tenant.create&"))
        wrong = [slug for slug, made in ids.items() if stored[slug, made] != 1 or told[made] != 1]
        assert not wrong, f"not exactly once in the store and in the events: {wrong}"
        beyond = [slug for slug, _ in stored if slug.startswith("load-") and slug not in ids]
        assert not beyond, f"in the store and never acknowledged: {beyond}"
        self.operator("audit", "verify")
        everything = Figures(self.load.requests)
        self.tell(
            f"{len(ids)} acknowledged writes, each exactly once in the store, in the events and delivered; audit trail verified;"
            f" {len(everything.requests)} requests, {len(everything.failed)} failed, {self.load.repeated} writes repeated with their key"
        )
        self.tell("resident memory in MB: " + ", ".join(f"{name} {value:.0f}" for name, value in memory.items()))


def main() -> None:
    """Runs the acts."""
    # So that an end from outside ends everything that was started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    form = SHORT if sys.argv[1:] == ["short"] else FULL
    with contextlib.ExitStack() as ending:
        rehearsal = Rehearsal(form, ending)
        rehearsal.upgrade_workers()
        # Leases run out after 30 s: meanwhile the acts of the hosts.
        loss = rehearsal.lose_worker()
        rehearsal.upgrade_hosts()
        rehearsal.lose_host()
        rehearsal.part("reset", rehearsal.link.refuse, rehearsal.link.restore)
        rehearsal.part("silence", rehearsal.link.silence, rehearsal.link.speak)
        rehearsal.await_heir(loss)
        rehearsal.account()


if __name__ == "__main__":
    main()
