"""Holds that pip installs what was recorded, and nothing else."""

import re
from pathlib import Path

import pytest
from artefacts import REPOSITORY, output_of
from packaging.requirements import Requirement

TRACKED = [
    Path(line) for line in output_of("git", "ls-files", "--cached", "--others", "--exclude-standard").splitlines()
]
SOURCES = [path for path in TRACKED if re.fullmatch(r".*requirements(\.in|/[^/]*\.in)", str(path))]
# An installation that takes files by hash, or one that takes nothing but what lies here.
BOUND = re.compile(r"--require-hashes|--no-index|--no-deps --no-build-isolation")


def entries(file: Path) -> list[tuple[Requirement, list[str]]]:
    """The requirements of a file with the hashes of each."""
    text = (REPOSITORY / file).read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith(("#", "-c "))]
    return [
        (Requirement(line.split("--hash=")[0].strip()), re.findall(r"--hash=sha256:([0-9a-f]{64})", line))
        for line in lines
    ]


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_list_of_requirements_is_found() -> None:
    assert len(SOURCES) >= 7
    assert {path.with_suffix(".txt") for path in SOURCES} == {
        path for path in TRACKED if re.fullmatch(r".*requirements(\.txt|/[^/]*\.txt)", str(path))
    }


@pytest.mark.parametrize("source", SOURCES, ids=str)
def test_requirements_are_exact_and_have_hashes(source: Path) -> None:
    locked = entries(source.with_suffix(".txt"))
    assert locked
    for requirement, hashes in locked:
        assert re.fullmatch(r"==[^,*]+", str(requirement.specifier)), f"{requirement} is not exact"
        assert hashes, f"{requirement} has no hash"
    assert "://" not in (REPOSITORY / source.with_suffix(".txt")).read_text(encoding="utf-8")


@pytest.mark.parametrize("source", SOURCES, ids=str)
def test_requirements_have_what_was_asked_for(source: Path) -> None:
    locked = {
        normal(requirement.name): str(requirement.specifier).removeprefix("==")
        for requirement, _ in entries(source.with_suffix(".txt"))
    }
    for wanted, _ in entries(source):
        version = locked.get(normal(wanted.name))
        assert version, f"{wanted} is missing: run scripts/lock-requirements.sh"
        assert wanted.specifier.contains(version, prereleases=True), (
            f"{wanted} is {version}: run scripts/lock-requirements.sh"
        )


def test_nothing_is_installed_without_hashes() -> None:
    found = 0
    for path in TRACKED:
        if path.suffix == ".sh" or path.parts[0] == ".ci":
            for line in (REPOSITORY / path).read_text(encoding="utf-8").splitlines():
                if re.search(r"pip\"? (install|download|wheel)", line):
                    found += 1
                    assert BOUND.search(line), f"{path}: {line.strip()}"
    assert found >= 5
