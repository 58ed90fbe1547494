#!/usr/bin/env python3
"""Checks that documents lead somewhere: links and their anchors, and the files of the repository that they name."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
FOLDERS = ("benches", "bindings", "core", "docs", "examples", "fuzz", "handlers", "infrastructure", "scripts")

LINK = re.compile(r"\]\(([^)\s]+)\)")
CODE = re.compile(r"`([^`\n]+)`")
NAMED = re.compile(rf"(?:{'|'.join(FOLDERS)})/[\w./*@-]+")
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def prose(document: Path) -> str:
    """The text without blocks of code."""
    return FENCE.sub("", document.read_text(encoding="utf-8"))


def anchors(document: Path) -> set[str]:
    """Names of the headings, as hosting platforms make them."""
    headings = re.findall(r"^#+ (.+)$", prose(document), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken_link(document: Path, link: str) -> bool:
    """Whether a relative link leads nowhere."""
    if re.match(r"[a-z]+:", link):
        return False
    path, _, anchor = link.partition("#")
    target = (document.parent / path).resolve() if path else document
    if not target.exists():
        return True
    return bool(anchor) and target.suffix == ".md" and anchor not in anchors(target)


def absent(path: str) -> bool:
    """Whether nothing in the repository has this path. Capitals stand for a name: `core/src/domain/ENTITY.rs`."""
    if re.search(r"[A-Z]{4,}", path) and not path.endswith("README.md"):
        return False
    return not any(ROOT.glob(path.rstrip("/.")))


def main() -> int:
    """Prints what leads nowhere; 1 if anything does."""
    listed = subprocess.run(["git", "ls-files", "*.md"], cwd=ROOT, capture_output=True, text=True, check=True)
    faults: list[str] = []
    for name in listed.stdout.splitlines():
        text = prose(ROOT / name)
        faults += [f"{name}: the link `{link}` leads nowhere" for link in LINK.findall(text) if broken_link(ROOT / name, link)]
        # The changelog tells of files that were there once.
        if name != "CHANGELOG.md":
            named = [path for code in CODE.findall(text) for path in NAMED.findall(code) if code.startswith(path)]
            faults += [f"{name}: there is no `{path}`" for path in named if absent(path)]
    for fault in faults:
        print(f"check-documents.py: {fault}", file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    raise SystemExit(main())
