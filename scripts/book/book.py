#!/usr/bin/env python3
"""Writes the sources of the book: book.py BINARY FOLDER, with the program `dezky` for the reference of its commands."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import http_api
import markdown
import pages
import program

ROOT = Path(__file__).resolve().parent.parent.parent

SETTINGS = """[book]
title = "Dezky"
language = "en"
src = "src"

[build]
build-dir = "html"
create-missing = false
# Pages name files in braces, and folders have their index already.
use-default-preprocessors = false

[output.html]
default-theme = "light"
preferred-dark-theme = "ayu"
no-section-label = true
additional-css = ["wide.css"]

[output.html.fold]
enable = true

[output.html.print]
enable = false
"""

# Tables of references have many columns.
STYLE = ":root { --content-max-width: 1100px; }\n"


def write(root: Path, binary: Path, folder: Path) -> None:
    """Writes settings, summary and pages of the book."""
    source = folder / "src"
    document = json.loads((root / "core/openapi.json").read_text(encoding="utf-8"))
    pages.write(root, source)
    generated = {f"reference/http/{name}": text for name, text in http_api.http_pages(document).items()}
    generated["reference/events.md"] = http_api.events_page(document)
    generated["reference/commands.md"] = program.commands_page(binary)
    # What it takes from the README leads to other parts of that.
    settings = markdown.relinked(
        program.settings_page(root), lambda link: "../" + pages.moved(pages.FRONT * link.startswith("#") + link)
    )
    generated["reference/settings.md"] = settings
    for path, text in generated.items():
        pages.put(source / path, text)
    for page in source.rglob("*.md"):
        if lost := markdown.attributed(page.read_text(encoding="utf-8")):
            raise ValueError(
                f"{page.relative_to(source)}: `{lost}` would lose the braces at its end: write them as code"
            )
    pages.put(source / "SUMMARY.md", summary(root, source, generated))
    pages.put(folder / "wide.css", STYLE)
    pages.put(folder / "book.toml", SETTINGS)


def summary(root: Path, source: Path, generated: dict[str, str]) -> str:
    """Returns the table of contents."""

    def line(path: str, depth: int = 0) -> str:
        return f"{'  ' * depth}- [{markdown.title((source / path).read_text(encoding='utf-8'))}]({path})\n"

    text = f"# Summary\n\n[Dezky]({pages.chapter(pages.FRONT)})\n\n"
    [(first, listed), *rest] = pages.parts(root)
    text += f"# {first}\n\n{line(pages.chapter(pages.INDEX))}" + "".join(line(pages.chapter(page)) for page in listed)
    text += "\n# Reference\n\n"
    http = [path for path in generated if path.startswith("reference/http/")]
    text += "".join(line(path, depth=int(path != http[0])) for path in http)
    others = [path for path in generated if path not in http]
    text += "".join(line(path) for path in [*pages.REFERENCES, *others])
    for name, listed in rest:
        text += f"\n# {name}\n\n" + "".join(line(pages.chapter(page)) for page in listed)
    return text


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: book.py BINARY FOLDER")
    try:
        write(ROOT, Path(sys.argv[1]), Path(sys.argv[2]))
    except ValueError as error:
        sys.exit(f"book.py: {error}")
