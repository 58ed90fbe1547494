"""What a process does to its calls: signals end them, forks are refused, and threads go on meanwhile."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import World
from dezky import Dezky, DezkyError, Scope

# A program whose call waits: for the keys of an issuer that takes the connection and says nothing.
WAITING = """
import base64, json, os, signal, socket, sys, threading
from dezky import Dezky

# Whoever starts the tests in the background may have it ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
silent = socket.create_server(("127.0.0.1", 0), backlog=16)
address = f"http://127.0.0.1:{silent.getsockname()[1]}/"
encode = lambda claims: base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
token = ".".join([encode({"alg": "RS256", "kid": "a"}), encode({"iss": address}), "AAAA"])
issuers = [{"id": "default", "urls": [address], "audiences": ["dezky"], "jwks": address + "keys"}]
connections = []

def asked():
    # The keys are asked for, and the main thread is in the call.
    connections.append(silent.accept()[0])
    while sys._current_frames()[threading.main_thread().ident].f_code.co_name != "verify":
        pass

def waits_still():
    # Who has given up waiting has closed the connection.
    connection = connections[0]
    connection.setblocking(False)
    try:
        while connection.recv(65536):
            pass
    except BlockingIOError:
        return True
    return False

dezky = Dezky.open(environment=False, store=f"sqlite:{sys.argv[1]}/a.sqlite", issuers=issuers, log="off")
"""


def run(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", script, *arguments]
    for _ in range(5):
        ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        # The call waits for keys, which has a limit of its own, 5 s: on a busy machine that may come before what is tested begins.
        if "dezky._errors.Unavailable" not in ran.stderr:
            break
    return ran


def test_ctrl_c_interrupts_a_call_that_waits(tmp_path: Path) -> None:
    ran = run(
        WAITING
        + textwrap.dedent("""
        def interrupt():
            asked()
            os.kill(os.getpid(), signal.SIGINT)
        threading.Thread(target=interrupt, daemon=True).start()
        try:
            dezky.verify(token)
        except KeyboardInterrupt:
            print("interrupted", waits_still(), flush=True)
        os._exit(0)
        """),
        str(tmp_path),
    )
    assert ran.stdout == "interrupted True\n", ran.stderr


def test_threads_go_on_while_a_call_waits(tmp_path: Path) -> None:
    ran = run(
        WAITING
        + textwrap.dedent("""
        def go_on():
            asked()
            system = dezky.as_system("test")
            system.tenants.create(slug="acme", name="Acme")
            print([tenant.slug for tenant in system.tenants.list(search="acme")], waits_still(), flush=True)
            os._exit(0)
        threading.Thread(target=go_on, daemon=True).start()
        dezky.verify(token)
        """),
        str(tmp_path),
    )
    assert ran.stdout == "['acme'] True\n", ran.stderr


def in_child(dezky: Dezky, options: dict[str, object]) -> dict[str, str]:
    """What a forked child meets."""
    met = {}
    system = dezky.as_system("test")
    calls: dict[str, Callable[[], object]] = {
        "call": lambda: system.tenants.list().page(),
        "each": lambda: next(system.each(system.tenants.get, [{"tenant": "dezky"}])),
        "verify": lambda: dezky.verify("a.b.c"),
        "open": lambda: Dezky.open(**options),  # type: ignore[arg-type]
    }
    for name, call in calls.items():
        try:
            outcome = call()
            met[name] = outcome.code if isinstance(outcome, DezkyError) else repr(outcome)
        except DezkyError as error:
            met[name] = error.code
    dezky.close()
    return met


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_is_refused_and_the_parent_goes_on(dezky: Dezky, world: World, system: Scope) -> None:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(writing, json.dumps(in_child(dezky, world.options)).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as told:
        met = json.loads(told.read())
    os.waitpid(child, 0)
    assert met == dict.fromkeys(("call", "each", "verify", "open"), "forked")
    assert system.tenants.get("dezky").slug == "dezky"


def spawned(options: dict[str, object]) -> str:
    with Dezky.open(**options) as dezky:  # type: ignore[arg-type]
        return dezky.as_system("test").tenants.get("dezky").slug


def test_a_spawned_process_opens_the_same_store(world: World) -> None:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(spawned, (world.options,)) == "dezky"


def test_a_signal_handler_that_raises_nothing_ends_nothing(system: Scope, fresh: str) -> None:
    handled = threading.Event()
    before = signal.signal(signal.SIGUSR1, lambda *_: handled.set())
    try:
        for n in range(20):
            signal.raise_signal(signal.SIGUSR1)
            system.tenants.create(slug=f"{fresh}-{n}", name="Signals")
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert handled.is_set()
