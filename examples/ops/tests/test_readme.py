"""What the README shows is what happens, in its order, from an empty folder."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", README, flags=re.DOTALL | re.MULTILINE)


def environment(folder: Path) -> dict[str, str]:
    """A shell in which the commands are installed and nothing is set."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DEZKY_", "MONGODB_"))}
    programs = Path(sys.executable).parent
    return {**kept, "PATH": f"{programs}:{os.environ['PATH']}", "HOME": str(folder)}


def shell() -> str:
    """Everything that is to be typed, but the installation."""
    return "".join(text for language, name, text in BLOCKS if (language, name) == ("sh", ""))


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder in which everything was typed, and what was printed."""
    folder = tmp_path_factory.mktemp("readme")
    for language, name, text in BLOCKS:
        if language == "csv":
            (folder / name).write_text(text, encoding="utf-8")
    ended = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", shell()],
        cwd=folder,
        env=environment(folder),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return folder, ended.stdout


def test_the_walk_ends_with_a_refused_token(walk: tuple[Path, str]) -> None:
    _, said = walk
    (proof,) = re.findall(r"^GET /users/me with the token .*$", said, flags=re.MULTILINE)
    assert "401 token_revoked" in proof
    assert "has no access any more" in said


def test_what_the_readme_prints_is_printed(walk: tuple[Path, str]) -> None:
    """Line by line, whatever the width of columns and the time of day."""
    _, said = walk
    printed = {" ".join(line.split()) for line in said.splitlines()}
    (shown,) = [text for language, _, text in BLOCKS if language == "text"]
    assert {" ".join(line.split()) for line in shown.splitlines()} <= printed


def test_the_walk_leaves_what_it_says(walk: tuple[Path, str]) -> None:
    folder, said = walk
    for name in ("access.png", "usage.png"):
        with Image.open(folder / name) as image:
            assert image.width > 1_000
    for name in ("result.csv", "acme.zip", "person.zip", "person.svg", "everybody.csv", "restored/dezky.sqlite"):
        assert (folder / name).stat().st_size > 100
    assert len(list((folder / "backups").iterdir())) == 1
    assert "# Who may do what in Teixeira Têxteis S.A." in said


def test_the_ten_lines_of_python_run(tmp_path: Path) -> None:
    (script,) = [text for language, _, text in BLOCKS if language == "python"]
    assert len([line for line in script.splitlines() if line]) <= 10
    ended = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        check=True,
    )
    assert "| `tenant.read` | yes |" in ended.stdout
    with Image.open(tmp_path / "access.png") as image:
        assert image.height > 1_000
