"""Asks Dezky itself through Traefik, with the settings of both containers; its store is a file here."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from release import BINARY
from rendered import DOMAIN, FOLDER, rules
from running import Proxy, on_loopback, running_binary, running_traefik

# Here Traefik is not on a network of the engine's.
LOOPBACK = "127.0.0.0/8"


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    folder: Path = tmp_path_factory.mktemp("dezky")
    environment = on_loopback("dezky", folder)
    environment["DEZKY_STORE"] = f"sqlite:{folder / 'dezky.sqlite'}"
    environment["DEZKY_TRUSTED_PROXIES"] += f",{LOOPBACK}"
    # As bootstrap.sh does, and twice: it finds what is there.
    for _ in range(2):
        subprocess.run(
            [BINARY, "seed"], env=environment | {"HOME": str(folder)}, cwd=folder, check=True, capture_output=True
        )
    port = int(environment["DEZKY_LISTEN"].rsplit(":", 1)[1])
    with running_binary(["serve"], environment, folder) as binary:
        binary.await_line("listening")
        with running_traefik(tmp_path_factory.mktemp("traefik"), dezky=port) as proxy:
            yield proxy


def test_the_api_answers_at_its_host(api: Proxy) -> None:
    answer = api.ask(f"api.{DOMAIN}", "/openapi.json")
    assert answer.status == 200
    assert json.loads(answer.body)["openapi"].startswith("3.1")
    refused = api.ask(f"api.{DOMAIN}", "/users/me")
    assert refused.status == 401
    assert refused.headers["Content-Type"] == "application/problem+json"


def test_traefik_looks_where_dezky_says_that_it_lives(api: Proxy) -> None:
    path = rules()["http"]["services"]["dezky"]["loadBalancer"]["healthCheck"]["path"]
    assert api.ask(f"api.{DOMAIN}", path).status == 200


def test_the_first_tenant_is_the_one_that_bootstrap_announces(api: Proxy) -> None:
    slug = re.search(r"^FIRST_TENANT=(\S+)$", (FOLDER / "shared.sh").read_text(encoding="utf-8"), re.MULTILINE)[1]
    assert api.ask(f"api.{DOMAIN}", f"/launcher?slug={slug}").status == 200
    assert api.ask(f"api.{DOMAIN}", "/launcher?slug=another").status == 404


def test_what_is_for_operators_is_not_told_at_the_host(api: Proxy) -> None:
    assert api.ask(f"api.{DOMAIN}", "/metrics").status == 404
    told = api.ask(f"api.{DOMAIN}", "/readyz").body.decode()
    # That the issuer does not answer here, and not why.
    assert "issuer" in told
    assert "http" not in told
    assert "dns" not in told.lower()
