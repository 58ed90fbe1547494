"""Runs Traefik and Dezky's binary on loopback, with what their containers are given."""

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

from programs import free_ports
from release import Release
from rendered import DOMAIN, FOLDER, SERVICES, environment_of

TRAEFIK = Path(sys.executable).parent / "traefik"
# Attempts at a Traefik that starts; each takes a tenth of a second or more.
PATIENCE = 200


class Answer(NamedTuple):
    """An answer through Traefik."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes


class Proxy(NamedTuple):
    """A running Traefik."""

    http: int
    https: int
    authority: Path
    log: Path

    def ask(self, host: str, path: str = "/", headers: dict[str, str] | None = None) -> Answer:
        context = ssl.create_default_context(cafile=str(self.authority))
        with (
            socket.create_connection(("127.0.0.1", self.https), timeout=10) as raw,
            context.wrap_socket(raw, server_hostname=host) as secure,
        ):
            connection = http.client.HTTPConnection(host)
            connection.sock = secure
            connection.request("GET", path, headers=headers or {})
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read())


def double(service: str) -> ThreadingHTTPServer:
    """A service that tells what it was asked."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(
                {
                    "service": service,
                    "path": self.path,
                    "headers": {name.lower(): value for name, value in self.headers.items()},
                }
            )
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def certificates(folder: Path) -> None:
    """An authority, and a certificate for the names that bootstrap.sh asks mkcert for."""
    bootstrap = (FOLDER / "bootstrap.sh").read_text(encoding="utf-8")
    names = re.findall(r'"([^"]*\$domain)"', re.search(r"^ *mkcert -cert-file .*$", bootstrap, re.MULTILINE)[0])
    names = ",".join(f"DNS:{name.replace('$domain', DOMAIN)}" for name in names)
    new = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    authority = ["-subj", "/CN=authority", "-keyout", folder / "authority-key.pem", "-out", folder / "root.pem"]
    leaf = ["-subj", "/CN=leaf", "-addext", f"subjectAltName={names}", "-addext", "basicConstraints=critical,CA:FALSE"]
    leaf += [
        "-CA",
        folder / "root.pem",
        "-CAkey",
        folder / "authority-key.pem",
        "-keyout",
        folder / "key.pem",
        "-out",
        folder / "certificate.pem",
    ]
    for more in (authority, leaf):
        subprocess.run([*new, *more], check=True, capture_output=True)


def replaced(text: str, *pairs: tuple[str, str]) -> str:
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new)
    return text


@contextlib.contextmanager
def running_traefik(folder: Path, dezky: int | None = None) -> Iterator[Proxy]:
    """Traefik with doubles of all services, or with Dezky itself at a port."""
    certificates(folder)
    plain, secure, ping = free_ports(3)
    settings = replaced(
        (FOLDER / "traefik/traefik.yaml").read_text(encoding="utf-8"),
        ("address: :8080", f"address: 127.0.0.1:{plain}"),
        ("address: :8443", f"address: 127.0.0.1:{secure}"),
        ("127.0.0.1:8082", f"127.0.0.1:{ping}"),
        ("/etc/traefik/rules.yaml", str(folder / "rules.yaml")),
    )
    (folder / "traefik.yaml").write_text(settings, encoding="utf-8")
    rules = (FOLDER / "traefik/rules.yaml").read_text(encoding="utf-8")
    doubles = {service: double(service) for service in re.findall(r"http://([a-z-]+):\d+", rules)}
    ports = {service: server.server_port for service, server in doubles.items()} | ({"dezky": dezky} if dezky else {})
    rules = re.sub(r"http://([a-z-]+):\d+", lambda found: f"http://127.0.0.1:{ports[found[1]]}", rules)
    (folder / "rules.yaml").write_text(replaced(rules, ("/etc/dezky/tls", str(folder))), encoding="utf-8")
    # The container's own command and health check, with the file where it is here.
    command, health = (
        [TRAEFIK, *(word.replace("/etc/traefik", str(folder)) for word in words)]
        for words in (SERVICES["traefik"]["command"], SERVICES["traefik"]["healthcheck"]["test"][2:])
    )
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "DEZKY_DOMAIN": DOMAIN}
    log = folder / "log"
    with log.open("w") as output:
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=subprocess.STDOUT)
        try:
            proxy = Proxy(plain, secure, folder / "root.pem", log)
            assert any(
                subprocess.run(health, env=environment, capture_output=True, check=False).returncode == 0
                for _ in range(PATIENCE)
            ), log.read_text()
            assert any(has_rules(proxy) for _ in range(PATIENCE)), log.read_text()
            yield proxy
        finally:
            process.terminate()
            process.wait(30)
            for server in doubles.values():
                server.shutdown()


def has_rules(proxy: Proxy) -> bool:
    """True once the rules have been read, and Dezky was found healthy."""
    try:
        return proxy.ask(f"api.{DOMAIN}", "/healthz").status == 200
    except OSError:
        return False


def on_loopback(service: str, folder: Path) -> dict[str, str]:
    """The variables of a service, with what cannot be here replaced by what is the same on this machine."""
    given = environment_of(service)
    certificates(folder)
    addresses = {name: given[name] for name in ("DEZKY_LISTEN", "DEZKY_OPERATIONS_LISTEN")}
    # From other containers.
    assert all(re.fullmatch(r"0\.0\.0\.0:\d{4}", address) for address in addresses.values())
    *listening, store = (f"127.0.0.1:{port}" for port in free_ports(3))
    changed = {
        **dict(zip(addresses, listening, strict=True)),
        "DEZKY_EXTRA_CA_CERTS": str(folder / "root.pem"),
        # Nobody answers there, which does not prevent a start.
        "DEZKY_STORE": given["DEZKY_STORE"].replace("@mongodb:27017", f"@{store}"),
        # Built and tested elsewhere; in the image at the path that is given.
        "DEZKY_COMPONENT": "",
    }
    assert set(changed) - {"DEZKY_COMPONENT"} <= set(given)
    assert changed["DEZKY_STORE"] != given["DEZKY_STORE"]
    return given | changed


@contextlib.contextmanager
def running_binary(arguments: list[str], environment: dict[str, str], folder: Path) -> Iterator[Release]:
    """Dezky's binary with a command and variables."""
    binary = Release(*arguments, folder=folder, environment={"PATH": os.environ["PATH"], "HOME": str(folder)} | environment)
    try:
        yield binary
    finally:
        binary.end(signal.SIGKILL)
