"""The reference of commands, from the help of the program, and that of settings, from their declaration."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from pathlib import Path

from markdown import section, table

COMMANDS = re.compile(r"^Commands:\n((?: .*\n|\n(?= ))+)", re.MULTILINE)
SETTING = re.compile(r'^ {4}\w+ = "([^"]+)", "([^"]+)", (?:None|Some\("([^"]+)"\));$', re.MULTILINE)


def help_of(program: Path, words: list[str]) -> str:
    """Returns the help of a command, as wide as a page."""
    command = [program, *words, "--help"]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "NO_COLOR": "1"}, check=True)
    return done.stdout


def subcommands(text: str) -> list[str]:
    """Returns the commands that a help lists, but the one for help."""
    found = COMMANDS.search(text)
    names = re.findall(r"^ {2}(\S+)", found[1], re.MULTILINE) if found else []
    return [name for name in names if name != "help"]


def sections(program: Path, words: list[str]) -> list[str]:
    """Returns the section of a command and of those below it."""
    text = help_of(program, words)
    level = "#" * min(len(words) + 1, 3)
    own = f"{level} {' '.join(['dezky', *words])}\n\n```text\n{text.strip()}\n```\n" if words else ""
    return [own, *(part for name in subcommands(text) for part in sections(program, [*words, name]))]


def commands_page(binary: Path) -> str:
    """Returns the page of all commands."""
    with tempfile.TemporaryDirectory() as folder:
        # Help names the program as it was called.
        program = Path(folder) / "dezky"
        program.symlink_to(binary.resolve())
        text = help_of(program, []).strip()
        return f"# Commands\n\n```text\n{text}\n```\n\n" + "\n".join(sections(program, []))


def settings_page(root: Path) -> str:
    """Returns the page of settings: what the README says of them, and the names of all."""
    said = section((root / "README.md").read_text(encoding="utf-8"), "### Configuration")
    declared = SETTING.findall((root / "handlers/configuration/src/settings.rs").read_text(encoding="utf-8"))
    if not declared:
        raise ValueError("no settings are declared in handlers/configuration/src/settings.rs")
    rows = [[f"`{variable}`", f"`{path}`", f"`--{flag}`" if flag else ""] for path, variable, flag in declared]
    return f"# Settings\n\n{said}\n## Names\n\n" + table(["variable", "in `dezky.toml`", "flag of `dezky serve`"], rows)
