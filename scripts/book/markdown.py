"""Parts of Markdown that pages are read and written by."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable

FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<=\]\()([^)\s]+)(?=\))")
HEADING = re.compile(r"^# (.+)$", re.MULTILINE)
ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*:")


def outside_of_code(text: str, change: Callable[[str], str]) -> str:
    """Returns the text with everything but its blocks of code changed."""
    parts, end = [], 0
    for block in FENCED.finditer(text):
        parts += [change(text[end : block.start()]), block.group()]
        end = block.end()
    return "".join([*parts, change(text[end:])])


def links(text: str) -> list[str]:
    """Returns the targets of all links outside of blocks of code."""
    return LINK.findall(FENCED.sub("", text))


def local(link: str) -> bool:
    """Returns true if a link leads to a file, or to a place in the page itself."""
    return not ADDRESS.match(link)


def relinked(text: str, change: Callable[[str], str]) -> str:
    """Returns the text with the targets of its local links changed."""
    return outside_of_code(
        text, lambda part: LINK.sub(lambda link: change(link[0]) if local(link[0]) else link[0], part)
    )


def target(page: str, link: str) -> str:
    """Returns the path that a link of a page leads to, from the root."""
    path = link.partition("#")[0]
    return posixpath.normpath(posixpath.join(posixpath.dirname(page), path)) if path else page


def title(text: str) -> str:
    """Returns the first heading of a page, as plain text."""
    found = HEADING.search(FENCED.sub("", text))
    if not found:
        raise ValueError("a page has no heading")
    return re.sub(r"[`*]|\[|\]\([^)]*\)", "", found[1])


def attributed(text: str) -> str | None:
    """Returns the first heading whose end is read as attributes of it, and is not shown."""
    found = re.search(r"^#+ .*\}\s*$", FENCED.sub("", text), re.MULTILINE)
    return found and found[0].strip()


def section(text: str, heading: str) -> str:
    """Returns what stands below a heading, up to the next one that is as high."""
    level = heading.split()[0]
    lines, inside, code = [], False, False
    for line in text.splitlines():
        code ^= line.startswith("```")
        if not code and re.match(rf"#{{1,{len(level)}}} ", line):
            if inside:
                break
            inside = line == heading
        elif inside:
            lines.append(line)
    if not lines:
        raise ValueError(f"there is no section `{heading}`")
    return "\n".join(lines).strip() + "\n"


def cell(text: object) -> str:
    """Returns a text as a cell of a table has it."""
    return " ".join(str(text).split()).replace("|", "\\|")


def table(head: list[str], rows: list[list[str]]) -> str:
    """Returns a table, or nothing for no rows."""
    if not rows:
        return ""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(cell, line)) + " |" for line in lines) + "\n\n"
