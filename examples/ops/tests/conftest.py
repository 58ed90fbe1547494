"""What every test works with: the commands in this process, and platforms in folders of their own."""

import contextlib
import io
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from dezky import Dezky, Scope

from dezky_ops.command_line import run
from dezky_ops.demo import DemoPlatform, Estate, load, make_estate, prepare_platform
from dezky_ops.demo.platform import ISSUER_ID
from dezky_ops.main import group

# Without a server there is nothing to test there; scripts/test-python.sh runs with one.
collect_ignore = [] if "DEZKY_TEST_MONGODB_URI" in os.environ else ["test_mongodb.py"]


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The only document that it printed."""
        (document,) = self.lines
        return document

    @property
    def lines(self) -> list[Any]:
        """The documents that it printed, one a line."""
        return [json.loads(line) for line in self.out.splitlines()]


Ops = Callable[..., Ended]


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting of the machine reaches a test, and no file of a test the working folder."""
    for name in list(os.environ):
        if name.startswith("DEZKY_") and not name.startswith("DEZKY_TEST_"):
            monkeypatch.delenv(name)
    monkeypatch.delenv("MONGODB_URI", raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def ops(monkeypatch: pytest.MonkeyPatch) -> Ops:
    """Runs `dezky-ops` in this process."""

    def call(*arguments: object, stdin: str = "") -> Ended:
        out, err = io.StringIO(), io.StringIO()
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode()), encoding="utf-8"))
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = run(group, [str(argument) for argument in arguments], name="dezky-ops")
        return Ended(code, out.getvalue(), err.getvalue())

    return call


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An empty store that the settings name."""
    location = f"sqlite:{tmp_path / 'store' / 'dezky.sqlite'}"
    monkeypatch.setenv("DEZKY_STORE", location)
    return location


@contextlib.contextmanager
def opened(location: str) -> Iterator[Scope]:
    """A store, as a system actor."""
    with Dezky.open(store=location, environment=False, log="off") as platform:
        yield platform.as_system("test")


@dataclass(frozen=True)
class Demo:
    """A demonstration platform that is loaded."""

    platform: DemoPlatform
    estate: Estate

    @property
    def store(self) -> str:
        """Where its store is."""
        return self.platform.store

    @property
    def largest(self) -> str:
        """Slug of the company with the most people, of which the tokens are."""
        return max(
            self.estate.companies, key=lambda company: sum(one.slug == company.slug for one in self.estate.employments)
        ).slug

    def open(self) -> Dezky:
        """The platform with its issuer."""
        return Dezky.open(config=self.platform.settings, environment=False, log="off")


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """A demonstration platform that tests take copies of."""
    platform = prepare_platform(tmp_path_factory.mktemp("template") / "demo")
    estate = make_estate(companies=6, people=60, seed=2)
    demo = Demo(platform, estate)
    with demo.open() as loading:
        load(loading.as_system("demo"), estate, ISSUER_ID)
    platform.write_tokens(estate)
    return demo


@pytest.fixture
def demo(template: Demo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Demo:
    """A demonstration platform that the settings name."""
    folder = tmp_path / "demo"
    shutil.copytree(template.platform.folder, folder)
    platform = DemoPlatform(folder)
    settings = platform.settings.read_text()
    platform.settings.write_text(settings.replace(str(template.platform.folder), str(folder)))
    monkeypatch.setenv("DEZKY_CONFIG", str(platform.settings))
    return Demo(platform, template.estate)
