"""The texts of licences: the files that a package has, or else the standard text of the licence that its manifest names."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parent / "texts"
LICENCE = re.compile(r"(licen[sc]es?|unlicense|copying|copyright)([-_.].*)?", re.IGNORECASE)
BESIDE = re.compile(r"(notices?|authors|third[-_]?party[-_]?(licen[sc]es|notices)?)([-_.].*)?", re.IGNORECASE)
# Files of these kinds may be called after a licence, and are none.
CODE = re.compile(r"\.(c|cc|cjs|cpp|css|go|h|html|js|json|map|mjs|mts|pl|py|rs|scss|sh|svg|toml|ts|vue|ya?ml)$")


class Unknown(Exception):
    """There is no text for a package."""


@dataclass(frozen=True)
class Package:
    """Somebody else's work that is in an artefact, with the texts that must go with it."""

    name: str
    version: str
    # An SPDX expression where the manifest has one.
    licence: str
    texts: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.name} {self.version}".rstrip()


def read(file: Path) -> str:
    """A text without what differs between systems: ends of lines, and blanks before them."""
    data = file.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    return "\n".join(line.rstrip() for line in text.splitlines()).strip("\n")


def files(folder: Path) -> Iterator[Path]:
    """The files with licences in a package. Those deeper in it are of what others wrote, such as a library in C.

    What is below `node_modules` are packages of their own.
    """
    for file in sorted(folder.rglob("*")):
        named = LICENCE.fullmatch(file.name) or BESIDE.fullmatch(file.name)
        others = "node_modules" in file.relative_to(folder).parts
        if named and not others and not CODE.search(file.name) and file.is_file():
            yield file


def standard(expression: str, holders: str) -> tuple[str, ...] | None:
    """The standard texts of a licence, or of the first of alternatives that all have one; none of what has parentheses."""
    if "(" in expression:
        return None
    for alternative in expression.split(" OR "):
        found = [FOLDER / f"{name}.txt" for name in re.split(" AND | WITH ", alternative) if name]
        if found and all(file.is_file() for file in found):
            return tuple(read(file).replace("{holders}", holders) for file in found)
    return None


def package(name: str, version: str, licence: str, folder: Path, authors: list[str], *more: Path) -> Package:
    """A package from its folder; `more` are files with licences that its manifest names."""
    # Before SPDX expressions, alternatives were separated by a slash.
    expression = re.sub(r"\s*/\s*", " OR ", licence)
    holders = ", ".join(re.sub(r"\s*<[^>]*>", "", author) for author in authors) or f"the authors of {name}"
    found = list(files(folder))
    texts = [text for file in [*found, *more] if (text := read(file))]
    if not more and not any(file.parent == folder and LICENCE.fullmatch(file.name) for file in found):
        # Its own is not among them.
        own = standard(expression, holders)
        texts = [*own, *texts] if own else []
    if not texts:
        raise Unknown(
            f"{name} {version} has no file with its licence, and there is no standard text for `{licence or 'none'}`:"
            f" put the text into scripts/supply-chain/texts/ under the name of the licence (such as ISC.txt),"
            f" or do without {name}"
        )
    return Package(name, version, expression, tuple(dict.fromkeys(texts)))
