"""The estate of the rehearsal: a store, hosts, workers, a balancer, links that can be cut, and a receiver of webhooks."""

import asyncio
import http.server
import json
import signal
import socket
import struct
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from programs import PATIENCE, Running, clean, free_ports

LOOPBACK = "127.0.0.1"


def get(url: str) -> tuple[int, str]:
    """Asks once, past the balancer and any proxy of this machine, and returns status and body."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=PATIENCE) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.read().decode()


def resident(process: int) -> float:
    """Returns the resident memory of a process in MB."""
    text = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    line = next(line for line in text.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) / 1000


# What its flags do not offer: how long a transaction lasts whose client is gone, as `transactionLifetimeLimitSeconds` of mongod.
LIFETIME = """
import sys
from secantus import cli, server
server.SecantusDBServer.__init__.__kwdefaults__["transaction_lifetime_seconds"] = float(sys.argv.pop(1))
sys.exit(cli.main())
"""


class Database(Running):
    """The MongoDB-wire server of the tests."""

    def __init__(self, program: Path, folder: Path, lifetime: int):
        [self.port] = free_ports(1)
        self.data = folder / "database"
        super().__init__(
            *(program.parent / "python", "-c", LIFETIME, lifetime),
            *("--host", LOOPBACK, "--port", self.port, "--storage-path", self.data),
            folder=folder,
            environment=clean(),
        )
        self.await_line("listening on")

    def uri(self, port: int | None = None) -> str:
        """Returns the address of the store, or that of a link to it."""
        return f"mongodb://{LOOPBACK}:{port or self.port}/scale?directConnection=true"


class Process:
    """A host or a worker, which can be ended and started again at its addresses."""

    def __init__(self, name: str, command: str, binary: Path, folder: Path, settings: dict[str, object]):
        self.name, self.command, self.binary, self.folder = name, command, binary, folder
        self.port, self.operations = free_ports(2)
        self.settings = settings | {
            "DEZKY_LISTEN": f"{LOOPBACK}:{self.port}",
            "DEZKY_OPERATIONS_LISTEN": f"{LOOPBACK}:{self.operations}",
        }
        self.running: Running | None = None

    def start(self, binary: Path | None = None) -> None:
        """Starts it, as another release if one is given, and waits until it listens."""
        self.binary = binary or self.binary
        environment = clean(**self.settings)
        self.running = Running(self.binary, self.command, folder=self.folder, environment=environment)
        self.running.await_line("listening address=" if self.command == "serve" else "readiness are told")

    def signal(self, kind: signal.Signals) -> None:
        """Sends a signal."""
        self.running.process.send_signal(kind)

    def end(self) -> None:
        """Ends it without ceremony: the rehearsal is over."""
        if self.running:
            self.running.end(signal.SIGKILL)

    def obstacles(self) -> list[str]:
        """Returns what `/readyz` says is not ready."""
        _, text = get(f"http://{LOOPBACK}:{self.operations}/readyz")
        return [each["what"] for each in json.loads(text)["notReady"]]

    def runs(self) -> dict[str, int]:
        """Returns how often it ran each background task."""
        _, text = get(f"http://{LOOPBACK}:{self.operations}/metrics")
        mark = 'dezky_task_runs_total{task="'
        lines = (line.removeprefix(mark) for line in text.splitlines() if line.startswith(mark))
        return {line.split('"')[0]: int(line.split()[-1]) for line in lines}

    def resident(self) -> float:
        """Returns its resident memory in MB."""
        return resident(self.running.process.pid)


BALANCER = """global
    maxconn 4000
defaults
    mode http
    timeout connect 1s
    timeout client 90s
    timeout server 90s
    # An idle connection is closed by this side first: hosts close theirs after 10 s.
    timeout http-keep-alive 5s
    timeout check 3s
    # Another host is tried where none has begun to answer. A write is sent again only if it was never sent: no connection came about.
    option redispatch 1
    retries 2
    retry-on conn-failure empty-response 503
frontend api
    bind {address}
    http-request disable-l7-retry unless METH_GET
    default_backend hosts
backend hosts
    balance roundrobin
    option httpchk
    http-check send meth GET uri /readyz
    http-check expect status 200
    http-response set-header x-answered-by %s
    default-server check inter {interval} fall 2 rise 1 pool-purge-delay 2s
{servers}
"""


class Balancer(Running):
    """HAProxy, which asks every host for its readiness. It writes a line when a host comes or goes."""

    def __init__(self, folder: Path, hosts: list[Process], interval: str):
        [self.port] = free_ports(1)
        servers = "\n".join(f"    server {host.name} {LOOPBACK}:{host.port}" for host in hosts)
        settings = BALANCER.format(address=f"{LOOPBACK}:{self.port}", interval=interval, servers=servers)
        file = folder / "haproxy.cfg"
        file.write_text(settings, encoding="ascii")
        super().__init__("haproxy", "-db", "-f", file, folder=folder, environment=clean())
        self.await_port()

    def await_port(self) -> None:
        """Waits until it accepts connections, of which it writes nothing."""
        end = time.monotonic() + PATIENCE
        while True:
            try:
                socket.create_connection((LOOPBACK, self.port), timeout=PATIENCE).close()
            except ConnectionRefusedError:
                assert self.process.poll() is None, self.written
                assert time.monotonic() < end, self.written
                time.sleep(0.01)
            else:
                return

    def place(self) -> int:
        """Returns the end of what it has written."""
        return len(self.written)

    def await_state(self, host: Process, state: str, since: int) -> tuple[float, str]:
        """Waits until a host is `UP` or `DOWN` for it, and returns when that was, and the reason."""
        found = self.await_line(rf"Server hosts/{host.name} is {state}, reason: ([^,]+)", since)
        return time.monotonic(), found[1]


class Link:
    """A connection from one host to the store that can be cut: by refusal, or by silence. Lives on a loop of asyncio."""

    def __init__(self, loop: asyncio.AbstractEventLoop, goal: int):
        self.loop, self.goal = loop, goal
        [self.port] = free_ports(1)
        self.server: asyncio.Server | None = None
        self.open: set[asyncio.StreamWriter] = set()
        self.flows = asyncio.Event()
        self._on_loop(self._listen())

    def _on_loop(self, work) -> None:
        asyncio.run_coroutine_threadsafe(work, self.loop).result(PATIENCE)

    async def _listen(self) -> None:
        self.flows.set()
        self.server = await asyncio.start_server(self._accept, LOOPBACK, self.port)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection(LOOPBACK, self.goal)
        except OSError:
            writer.transport.abort()
            return
        pair = {writer, far_writer}
        self.open |= pair
        await asyncio.gather(self._pass(reader, far_writer), self._pass(far_reader, writer))
        for each in pair:
            each.transport.abort()
        self.open -= pair

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                # What was under way when silence began arrives when it ends, as packets that are sent again do.
                await self.flows.wait()
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        writer.close()

    async def _reset(self) -> None:
        self.server.close()
        # The end is a reset, not a farewell.
        linger = struct.pack("ii", 1, 0)
        for each in self.open:
            each.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            each.transport.abort()

    def refuse(self) -> None:
        """Resets every connection, and refuses new ones until `restore`."""
        self._on_loop(self._reset())

    def restore(self) -> None:
        """Accepts connections again."""
        self._on_loop(self._listen())

    def silence(self) -> None:
        """Lets no byte through, in either direction, and tells nobody, until `speak`."""
        self.loop.call_soon_threadsafe(self.flows.clear)

    def speak(self) -> None:
        """Lets bytes through again."""
        self.loop.call_soon_threadsafe(self.flows.set)


class Receiver:
    """Takes webhooks, and remembers when each tenant's first one came."""

    def __init__(self):
        self.came: dict[str, float] = {}
        self.changed = threading.Condition()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with receiver.changed:
                    receiver.came.setdefault(body["tenantId"], time.monotonic())
                    receiver.changed.notify_all()
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer((LOOPBACK, 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://{LOOPBACK}:{self.server.server_port}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def wait_for(self, is_there: Callable[[], bool], what: str) -> float:
        """Waits for what is asked again after each webhook, and returns when it was there."""
        with self.changed:
            assert self.changed.wait_for(is_there, PATIENCE), what
        return time.monotonic()

    def end(self) -> None:
        """Stops listening."""
        self.server.shutdown()
        self.server.server_close()
