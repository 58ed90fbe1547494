"""Types everything that the README shows, but the installation, in a new folder: `python walk.py FOLDER`. The commands are those of
the Python that runs this."""

import os
import re
import subprocess
import sys
from pathlib import Path

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
BLOCKS: list[tuple[str, str, str]] = re.findall(
    r"^```(\w+)(?: (\S+))?\n(.*?)^```$", README, flags=re.DOTALL | re.MULTILINE
)
"""Language, name and text of each block of code."""


def environment(folder: Path) -> dict[str, str]:
    """A shell in which the commands are installed and nothing is set."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DEZKY_", "MONGODB_"))}
    # Not resolved: the programs of a virtual environment lie beside its link to Python.
    programs = Path(sys.executable).parent
    return {**kept, "PATH": f"{programs}:{os.environ['PATH']}", "HOME": str(folder)}


def walk(folder: Path) -> str:
    """Types it; what was printed. Fails when a command does."""
    for language, name, text in BLOCKS:
        if language == "csv":
            (folder / name).write_text(text, encoding="utf-8")
    typed = "".join(text for language, name, text in BLOCKS if (language, name) == ("sh", ""))
    command = ["bash", "-euo", "pipefail", "-c", typed]
    ended = subprocess.run(command, cwd=folder, env=environment(folder), capture_output=True, text=True, check=False)
    if ended.returncode:
        raise AssertionError(ended.stderr)
    return ended.stdout


def check(said: str) -> None:
    """Fails when the person's token was not refused in the end."""
    proof = re.findall(r"^GET /users/me with the token .*$", said, flags=re.MULTILINE)
    if len(proof) != 1 or "401 token_revoked" not in proof[0]:
        raise AssertionError(f"the walk did not end with a refused token: {proof}")


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir()
    check(walk(target))
    sys.stdout.write("the commands of the README work in this environment\n")
