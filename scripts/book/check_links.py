#!/usr/bin/env python3
"""Checks that every link within a site leads to a page and a place in it: check_links.py FOLDER. Asks no network."""

from __future__ import annotations

import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """The places in a page, and where it leads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.places: set[str] = set()
        self.leads: list[str] = []
        self.base = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Reads what an element is called, and what it refers to."""
        for name, value in attrs:
            if name == "id" or (tag == "a" and name == "name"):
                self.places.add(value or "")
            elif name in ("href", "src") and value is not None:
                if tag == "base":
                    self.base = value
                else:
                    self.leads.append(value)


def faults(folder: Path) -> tuple[list[str], int]:
    """Returns the links that lead nowhere, and how many there are in all."""
    folder = folder.resolve()
    pages = {path: Page(path.read_text(encoding="utf-8")) for path in sorted(folder.rglob("*.html"))}
    found, count = [], 0
    for path, page in pages.items():
        # A page for addresses that lead nowhere is shown below any of them.
        start = folder if page.base else path.parent
        for link in page.leads:
            if re.match(r"[a-zA-Z][a-zA-Z0-9+.-]*:|//", link):
                continue
            count += 1
            parts = urlsplit(link)
            if not parts.path:
                goal = path
            elif parts.path.startswith("/"):
                goal = folder / unquote(parts.path).lstrip("/")
            else:
                goal = (start / unquote(parts.path)).resolve()
            if goal.is_dir():
                goal /= "index.html"
            fragment = unquote(parts.fragment)
            if folder not in goal.parents or not goal.is_file():
                found.append(f"{path.relative_to(folder)}: the link `{link}` leads to no page of the site")
            elif fragment and goal in pages and fragment not in pages[goal].places:
                found.append(f"{path.relative_to(folder)}: there is no place for the link `{link}`")
    return found, count


def main() -> int:
    """Prints what leads nowhere; 1 if anything does."""
    found, count = faults(Path(sys.argv[1]))
    for fault in found:
        print(f"check_links.py: {fault}", file=sys.stderr)
    if not count:
        print("check_links.py: there is no link in the site", file=sys.stderr)
    return 1 if found or not count else 0


if __name__ == "__main__":
    raise SystemExit(main())
