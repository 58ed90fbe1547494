"""The fenced blocks of the guides, and a shell that runs those that are marked for it."""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
FENCE = re.compile(
    r"^(?P<indent> *)```(?P<kind>\w+)(?P<marks>[^\n]*)\n(?P<text>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL
)


@dataclass
class Block:
    """Block of shell commands."""

    document: Path
    text: str
    name: str | None
    """Name of a block that is run."""
    exit: int

    @property
    def where(self) -> str:
        """Document and name, for messages."""
        return f"{self.document.relative_to(ROOT)}: {self.name or self.text.splitlines()[0]}"


def blocks(document: Path) -> list[Block]:
    """Returns those of kind `sh`, without their indentation."""
    found = []
    for fence in FENCE.finditer(document.read_text()):
        if fence["kind"] == "sh":
            marks = dict(mark.split("=", 1) for mark in fence["marks"].split())
            text = re.sub(rf"^{fence['indent']}", "", fence["text"], flags=re.MULTILINE)
            found.append(Block(document, text, marks.get("run"), int(marks.get("exit", "0"))))
    return found


def run(document: Path, folder: Path, environment: dict[str, str], before: dict[str, str], timeout: float) -> str:
    """Runs all marked blocks in one shell, in their order; `before` has commands that come before a block, by its name.

    Raises `AssertionError` with the output when a block ends otherwise than it says, or when `before` names none.
    """
    marked = [block for block in blocks(document) if block.name]
    unknown = before.keys() - {block.name for block in marked}
    assert not unknown, f"no block is called {unknown}"
    script = ["set -euo pipefail"]
    for block in marked:
        script += [f"echo '==> {block.name}'", before.get(block.name, "")]
        if block.exit == 0:
            script.append(block.text)
        else:
            # In a shell of its own, whose exit is looked at.
            script += [
                "set +e",
                f"(set -e\n{block.text})",
                "code=$?",
                "set -e",
                f'[ "$code" = {block.exit} ] || {{ echo "ended with $code"; exit 1; }}',
            ]
    script.append("echo '==> end'")
    done = subprocess.run(
        ["bash", "-c", "\n".join(script)],
        cwd=folder,
        env=environment,
        text=True,
        timeout=timeout,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert done.returncode == 0 and done.stdout.rstrip().endswith("==> end"), (
        f"{document.name}, exit code {done.returncode}:\n{done.stdout}"
    )
    return done.stdout
