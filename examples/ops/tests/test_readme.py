"""What the README shows is what happens, in its order, from an empty folder."""

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image
from walk import BLOCKS, check, environment, walk


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder in which everything was typed, and what was printed."""
    folder = tmp_path_factory.mktemp("readme")
    return folder, walk(folder)


def test_the_walk_ends_with_a_refused_token(walked: tuple[Path, str]) -> None:
    _, said = walked
    check(said)
    assert "has no access any more" in said


def test_what_the_readme_prints_is_printed(walked: tuple[Path, str]) -> None:
    """Line by line, whatever the width of columns and the time of day."""
    _, said = walked
    printed = {" ".join(line.split()) for line in said.splitlines()}
    (shown,) = [text for language, _, text in BLOCKS if language == "text"]
    assert {" ".join(line.split()) for line in shown.splitlines()} <= printed


def test_the_walk_leaves_what_it_says(walked: tuple[Path, str]) -> None:
    folder, said = walked
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
    command = [sys.executable, "-c", script]
    ended = subprocess.run(command, cwd=tmp_path, env=environment(tmp_path), capture_output=True, text=True, check=True)
    assert "| `tenant.read` | yes |" in ended.stdout
    with Image.open(tmp_path / "access.png") as image:
        assert image.height > 1_000
