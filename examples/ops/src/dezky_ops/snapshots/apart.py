"""Work on a SQLite file in a process of its own.

The package `dezky` has a SQLite of its own. Where a process holds a file open by two of them, neither sees the locks of the
other, and closing the file in one lets go of the locks of both (https://sqlite.org/howtocorrupt.html, section 2.2). In a
process of its own this cannot happen, whatever the caller has open.
"""

import json
import signal
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..failure import Exit, Failure
from . import sqlite
from .archive import Collection
from .sqlite import Progress

PROGRAM = f"import sys; from {__name__} import main; main(*sys.argv[1:])"


def snapshot(source: Path, target: Path, progress: Progress) -> tuple[Collection, ...]:
    """`sqlite.snapshot`."""
    said = call("snapshot", str(source), str(target), progress=progress)
    return tuple(Collection(**collection) for collection in said)


def put_into_place(scratch: Path, target: Path, *, replace: bool) -> Path | None:
    """`sqlite.put_into_place`."""
    kept = call(
        "put_into_place", str(scratch), str(target), *(["replace"] if replace else []), progress=lambda *_: None
    )
    return Path(kept) if kept is not None else None


def call(work: str, *arguments: str, progress: Progress) -> Any:
    """Has a piece of work done, and gives what came of it.

    Raises `Failure`, its own or that of the work.
    """
    command = [sys.executable, "-c", PROGRAM, work, *arguments]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                what, said = json.loads(line)
                if what == "progress":
                    progress(*said)
                elif what == "failure":
                    raise Failure(Exit(said["exit_code"]), said["code"], said["message"])
                else:
                    return said
        except BaseException:
            process.kill()
            raise
    raise Failure(Exit.FAILED, "child_failed", f"the process that works on the file ended with {process.returncode}")


def tell(what: str, said: object) -> None:
    """A line to whoever called."""
    sys.stdout.write(json.dumps([what, said]) + "\n")
    sys.stdout.flush()


def main(work: str, *arguments: str) -> None:
    """Does a piece of work and tells what came of it."""
    # Whoever called is interrupted too, and ends this process.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        if work == "snapshot":
            source, target = map(Path, arguments)
            proof = sqlite.snapshot(source, target, lambda done, of: tell("progress", [done, of]))
            tell("done", [asdict(collection) for collection in proof])
        else:
            scratch, target = map(Path, arguments[:2])
            kept = sqlite.put_into_place(scratch, target, replace=arguments[2:] == ("replace",))
            tell("done", str(kept) if kept is not None else None)
    except Failure as failure:
        tell("failure", {"exit_code": failure.exit_code, "code": failure.code, "message": failure.message})
