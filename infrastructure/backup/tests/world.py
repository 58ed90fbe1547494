"""Platform in a folder with its backups: the release on a store of its own, settings, and two repositories."""

import json
import os
import shutil
import tempfile
import threading
import unittest
import urllib.request
from pathlib import Path

from programs import PATIENCE, clean, run
from release import BINARY, Dev

FOLDER = Path(__file__).parent.parent
NAMES = ("falkenstein", "helsinki")
EMPTY: dict[str, Path] = {}


class Platform(Dev):
    """`dezky dev` without systems."""

    def __init__(self, folder: Path):
        super().__init__(folder, "--no-systems")

    def create_tenant(self, slug: str) -> None:
        """Creates a tenant; returns when it is durable."""
        body = json.dumps({"slug": slug, "name": slug}).encode()
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        with urllib.request.urlopen(urllib.request.Request(f"{self.origin}/tenants", body, headers), timeout=PATIENCE):
            pass


class Writers:
    """Threads that create tenants until they are told to stop. Each remembers what was acknowledged, in order."""

    def __init__(self, platform: Platform, number: int):
        self.stopping, self.changed = threading.Event(), threading.Condition()
        self.written = [[] for _ in range(number)]
        self.failures = []
        self.threads = [threading.Thread(target=self.write, args=(platform, index)) for index in range(number)]
        for thread in self.threads:
            thread.start()

    def write(self, platform: Platform, index: int) -> None:
        try:
            while not self.stopping.is_set():
                slug = f"w{index}-{len(self.written[index]):05}"
                platform.create_tenant(slug)
                with self.changed:
                    self.written[index].append(slug)
                    self.changed.notify_all()
        except Exception as error:
            with self.changed:
                self.failures.append(error)
                self.changed.notify_all()

    def acknowledged(self) -> list[list[str]]:
        return [list(slugs) for slugs in self.written]

    def await_number(self, number: int, seconds: float = PATIENCE) -> None:
        """Waits until as many were acknowledged by all together."""
        with self.changed:
            self.changed.wait_for(lambda: self.failures or sum(map(len, self.written)) >= number, seconds)
            there = sum(map(len, self.written))
        assert there >= number, f"{there} of {number}: {self.failures}"

    def stop(self) -> None:
        self.stopping.set()
        for thread in self.threads:
            thread.join(PATIENCE)


class World(unittest.TestCase):
    """Settings and repositories for each test."""

    repositories = NAMES

    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="dezky-backup-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.textfiles = self.folder / "textfiles"
        self.textfiles.mkdir()
        self.settings = {
            "BACKUP_REPOSITORIES": self.folder / "repositories",
            "BACKUP_STAGING": self.folder / "staging",
            "BACKUP_STATE": self.folder / "state",
            "BACKUP_SCRATCH": self.folder,
            "BACKUP_TEXTFILES": self.textfiles,
            "BACKUP_DEZKY": BINARY,
            "BACKUP_WAIT": 5,
        }
        (self.folder / "repositories").mkdir()
        for name in self.repositories:
            self.add_repository(name)

    def add_repository(self, name: str) -> None:
        password = self.folder / f"{name}.password"
        password.write_text(f"of {name}\n")
        password.chmod(0o600)
        (self.folder / "repositories" / f"{name}.env").write_text(
            f"RESTIC_REPOSITORY={self.folder / name}\nRESTIC_PASSWORD_FILE={password}\n"
            f"RESTIC_CACHE_DIR={self.folder / 'cache'}\n"
        )
        # To make a key takes a second: one of each name is made and copied.
        if name not in EMPTY:
            EMPTY[name] = Path(tempfile.mkdtemp(prefix="dezky-backup-empty-"))
            unittest.addModuleCleanup(EMPTY.pop, name)
            unittest.addModuleCleanup(shutil.rmtree, EMPTY[name])
            run("restic", "init", "--quiet", "--repo", EMPTY[name], "--password-file", password)
        shutil.copytree(EMPTY[name], self.folder / name)

    def remove_repository(self, name: str) -> None:
        (self.folder / "repositories" / f"{name}.env").unlink()

    def restic(self, repository: str, *arguments):
        lines = (self.folder / "repositories" / f"{repository}.env").read_text().splitlines()
        environment = {**os.environ, **dict(line.split("=", 1) for line in lines)}
        return run("restic", *arguments, env=environment)

    def script(self, name: str, *arguments, check=True, **settings):
        """Runs one of the scripts with the settings of this test."""
        file = self.folder / "backup.env"
        lines = [f"{key}={shell_word(value)}\n" for key, value in {**self.settings, **settings}.items()]
        file.write_text("".join(lines))
        return run(FOLDER / name, *arguments, check=check, env=clean(BACKUP_SETTINGS=file))

    def snapshots(self, repository: str, part: str):
        return json.loads(self.restic(repository, "snapshots", "--json", "--tag", part).stdout)

    def restored(self, repository: str, part: str) -> Path:
        """Restores the last snapshot by restic alone, without the scripts under test."""
        target = Path(tempfile.mkdtemp(dir=self.folder))
        self.restic(repository, "restore", "latest", "--quiet", "--tag", part, "--target", target)
        return target / str(self.settings["BACKUP_STAGING"]).lstrip("/") / part

    def facts(self) -> dict[str, float]:
        """Values by name and labels, as node exporter reads them."""
        text = (self.textfiles / "dezky-backup.prom").read_text()
        return {key: float(value) for key, value in (line.rsplit(" ", 1) for line in text.splitlines())}

    def refused(self, done, message: str) -> None:
        self.assertNotEqual(done.returncode, 0, done.stderr)
        self.assertIn(message, done.stderr)


def shell_word(value) -> str:
    return "'" + str(value).replace("'", "'\\''") + "'"
