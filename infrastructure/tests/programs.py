"""Programs as tests run them: to their end, or started, awaited by what they write, and ended."""

import ctypes
import os
import re
import select
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

# Seconds after which something that is awaited is taken for lost.
PATIENCE = 60
# From <sys/inotify.h>: modified, moved here, created.
CHANGED = 0x02 | 0x80 | 0x100


def clean(**variables) -> dict[str, str]:
    """Returns the environment without settings of this machine, with the given variables."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("DEZKY_", "RESTIC_", "BACKUP_")) and name != "MONGODB_URI"
    }
    return kept | {name: str(value) for name, value in variables.items()}


def run(*command, check=True, **options):
    """Runs a command to its end."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=PATIENCE, **options)
    if check and done.returncode != 0:
        raise AssertionError(f"{command}: {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done


def free_ports(count: int) -> list[int]:
    """Returns ports of loopback that nothing listens on, each another."""
    held = [socket.socket() for _ in range(count)]
    try:
        for one in held:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in held]
    finally:
        for one in held:
            one.close()


def await_change(folder: Path, is_there: Callable[[], bool]) -> None:
    """Returns once `is_there` is true, which is asked again after each change of a file in the folder."""
    libc, end = ctypes.CDLL(None), time.monotonic() + PATIENCE
    watch = libc.inotify_init1(os.O_CLOEXEC)
    try:
        assert libc.inotify_add_watch(watch, os.fsencode(folder), CHANGED) >= 0, folder
        while not is_there():
            ready, _, _ = select.select([watch], [], [], max(0, end - time.monotonic()))
            assert ready, f"what is awaited in {folder} does not come"
            os.read(watch, 65536)
    finally:
        os.close(watch)


class Running:
    """Started program, with what it has written on standard error."""

    def __init__(self, *command, folder: Path, environment: dict[str, str], **options):
        self.process = subprocess.Popen(
            [str(word) for word in command],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            **{"stdout": subprocess.DEVNULL, **options},
        )
        self.written, self.is_over, self.changed = "", False, threading.Condition()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self) -> None:
        with self.process.stderr as lines:
            for line in lines:
                with self.changed:
                    self.written += line
                    self.changed.notify_all()
        with self.changed:
            self.is_over = True
            self.changed.notify_all()

    def await_line(self, pattern: str, start: int = 0) -> re.Match:
        """Waits until it has written what matches, from a position on. Fails once it cannot come any more."""
        expression = re.compile(pattern)
        with self.changed:
            self.changed.wait_for(lambda: self.is_over or expression.search(self.written, start), PATIENCE)
            found = expression.search(self.written, start)
        assert found, f"nothing matches {pattern}:\n{self.written}"
        return found

    def wait(self, seconds: float = PATIENCE) -> int:
        """Waits for its end, and returns the exit code."""
        code = self.process.wait(seconds)
        self.reader.join(seconds)
        return code

    def end(self, kind: signal.Signals = signal.SIGINT) -> int:
        """Ends it if it still runs, by force if it does not obey, and returns the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(kind)
        try:
            return self.wait()
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.wait()
            raise
        finally:
            if self.process.stdout:
                self.process.stdout.close()
