"""The pages of the repository as chapters: which there are, in what order, and with links that lead somewhere in a book."""

from __future__ import annotations

import posixpath
import re
import shutil
import subprocess
from pathlib import Path

import markdown

INDEX = "docs/README.md"
FRONT = "README.md"
# Of the pages of the repository, those that are printed from the code.
REFERENCES = ("docs/errors.md", "docs/authorization.md")


def tracked(root: Path) -> list[str]:
    """Returns the Markdown files of the repository, new ones too."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"]
    listed = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout.split()
    return sorted(path for path in set(listed) if (root / path).exists())


def chapter(path: str) -> str:
    """Returns the path of a page in the book: a server answers for a folder with its index."""
    return posixpath.join(posixpath.dirname(path), "index.md") if posixpath.basename(path) == "README.md" else path


def moved(link: str) -> str:
    """Returns a link of a page as it has to be in the book."""
    path, mark, anchor = link.partition("#")
    return (chapter(path) if path else "") + mark + anchor


def parts(root: Path) -> list[tuple[str, list[str]]]:
    """Returns the pages by part of the book. The tables of the index of docs/ say what comes after what."""
    text = (root / INDEX).read_text(encoding="utf-8")
    sections = re.split(r"^#+ (.+)$", text, flags=re.MULTILINE)[1:]
    found = []
    for name, body in zip(sections[::2], sections[1::2], strict=True):
        pages = [markdown.target(INDEX, link) for link in markdown.links(body)]
        pages = [page for page in dict.fromkeys(pages) if page not in (FRONT, *REFERENCES)]
        found.append((name, pages))
    everything = tracked(root)
    listed = {page for _, pages in found for page in pages} | {FRONT, INDEX, *REFERENCES}
    forgotten = [page for page in everything if page.startswith("docs/") and page not in listed]
    if forgotten:
        raise ValueError(f"{INDEX} does not name {', '.join(forgotten)}: add a row to its tables")
    found.append(("Folders", [page for page in everything if page not in listed]))
    return found


def write(root: Path, book: Path) -> None:
    """Writes all pages into the folder, and the files that they link to."""
    for page in tracked(root):
        text = (root / page).read_text(encoding="utf-8")
        for link in filter(markdown.local, markdown.links(text)):
            path = markdown.target(page, link)
            if not path.endswith(".md") and (root / path).is_file():
                (book / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(root / path, book / path)
        put(book / chapter(page), markdown.relinked(text, moved))


def put(path: Path, text: str) -> None:
    """Writes a page, and the folder that it is in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
