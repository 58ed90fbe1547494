"""What every test works with: `dezky dev` on a free port and a fresh folder, and the people that it knows."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
from dezky import Dezky, Scope


@dataclass(frozen=True)
class World:
    """A running `dezky dev`, its people with tokens, and how the package opens the same store."""

    folder: Path
    origin: str
    issuer: str
    people: dict[str, dict[str, str]]
    options: dict[str, Any]

    def http(self, path: str, person: str) -> httpx.Response:
        """What the server answers to a person."""
        authorization = f"Bearer {self.people[person]['token']}"
        return httpx.get(self.origin + path, headers={"authorization": authorization}, timeout=30)


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    binary = os.environ.get("DEZKY_TEST_BINARY")
    assert binary, "DEZKY_TEST_BINARY must name the binary `dezky`: run scripts/test-python.sh"
    folder = tmp_path_factory.mktemp("world")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DEZKY_")}
    command = [binary, "dev", "--no-systems", "--json", "--listen", "127.0.0.1:0", "--data", str(folder / "data")]
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=log, text=True)
    try:
        assert server.stdout is not None
        said = ""
        for line in server.stdout:
            said += line
            if line.rstrip().endswith("}") and said.count("{") == said.count("}"):
                break
        assert said, (folder / "log").read_text()
        told = json.loads(said)
        options = {
            "environment": False,
            "store": f"sqlite:{folder / 'data' / 'dezky.sqlite'}",
            "oidc_issuer": told["issuer"],
            "oidc_audience": "dezky",
            "platform_admin_group": "dezky-platform-admins",
            "public_domain": "dezky.test",
            "log": "off",
        }
        yield World(folder, told["origin"], told["issuer"], told["people"], options)
    finally:
        server.terminate()
        server.wait(30)
        assert server.stdout is not None
        server.stdout.close()


@pytest.fixture(scope="session")
def dezky(world: World) -> Iterator[Dezky]:
    with Dezky.open(**world.options) as opened:
        yield opened


@pytest.fixture
def system(dezky: Dezky) -> Scope:
    return dezky.as_system("test")


@pytest.fixture
def anna(dezky: Dezky, world: World) -> Scope:
    return dezky.as_user(world.people["anna"]["token"])


_numbers = count(1)


@pytest.fixture
def fresh() -> str:
    """A slug that no other test has."""
    return f"fresh-{next(_numbers)}"
