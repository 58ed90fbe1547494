"""Holds `scripts/check-advisories.sh` to what it says, with a database that is made here."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from artefacts import REPOSITORY

ORIGIN = "https://github.com/RustSec/advisory-db"
ADVISORY = """```toml
[advisory]
id = "RUSTSEC-2026-9999"
package = "{package}"
date = "2026-01-01"

[versions]
patched = []
```

# An advisory of a test

It names what it is told to.
"""


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=test", "-c", "user.email=test@example.eu")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


def check(folder: Path, database: Path) -> subprocess.CompletedProcess[str]:
    """Runs the check with a folder of its own, and with a database in place of the public one."""
    text = (REPOSITORY / "deny.toml").read_text(encoding="utf-8")
    config = folder / "deny.toml"
    config.write_text(
        re.sub(r"(?m)^\[advisories\]$", f'[advisories]\ndb-path = "{folder}/databases"', text), encoding="utf-8"
    )
    environment = os.environ | {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.file://{database}.insteadOf",
        "GIT_CONFIG_VALUE_0": ORIGIN,
    }
    return subprocess.run(
        [REPOSITORY / "scripts/check-advisories.sh", "--config", config],
        env=environment,
        capture_output=True,
        text=True,
    )


def database_of(folder: Path, package: str) -> Path:
    """A database with one advisory, of a package."""
    database = folder / "database"
    crate = database / "crates" / package
    crate.mkdir(parents=True)
    (crate / "RUSTSEC-2026-9999.md").write_text(ADVISORY.format(package=package), encoding="utf-8")
    git(database, "init", "--quiet", "--initial-branch", "main")
    git(database, "add", "--all")
    git(database, "commit", "--quiet", "--message", "An advisory")
    return database


@pytest.mark.parametrize(("package", "fails"), [("serde", True), ("not-in-the-lock-file", False)])
def test_an_advisory_fails_the_check_where_the_database_can_be_had(
    tmp_path: Path, package: str, *, fails: bool
) -> None:
    result = check(tmp_path, database_of(tmp_path, package))
    assert (result.returncode != 0) == fails, result.stderr
    assert ("RUSTSEC-2026-9999" in result.stderr) == fails
    assert "NOT checked" not in result.stderr


def test_one_line_says_that_nothing_was_checked_where_it_cannot(tmp_path: Path) -> None:
    result = check(tmp_path, tmp_path / "nowhere")
    assert result.returncode == 0
    assert len(result.stderr.splitlines()) == 1
    assert "advisories were NOT checked" in result.stderr
    assert "does not exist" in result.stderr or "not appear to be a git repository" in result.stderr


def test_a_configuration_that_is_wrong_is_not_taken_for_a_missing_database(tmp_path: Path) -> None:
    config = tmp_path / "deny.toml"
    config.write_text("[advisories]\nunknown = true\n", encoding="utf-8")
    result = subprocess.run(
        [REPOSITORY / "scripts/check-advisories.sh", "--config", config], capture_output=True, text=True
    )
    assert result.returncode != 0
    assert "NOT checked" not in result.stderr
