"""The release that DEZKY_TEST_BINARY names."""

import json
import os
import subprocess
from pathlib import Path

from programs import Running, clean

BINARY = Path(os.environ["DEZKY_TEST_BINARY"])
# Part of the line with the operations address.
OPERATIONS = "readiness are told"


class Release(Running):
    """Started release."""

    def __init__(self, *arguments, folder: Path, environment: dict[str, str], **options):
        super().__init__(BINARY, *arguments, folder=folder, environment=environment, **options)

    def address(self, says: str = "listening") -> str:
        """Waits for the line with an address of it, and returns this."""
        return self.await_line(rf"{says} address=([\d.:]+)")[1]


class Dev(Release):
    """`dezky dev` on a store in a folder. `told` is what it prints at its start."""

    def __init__(self, folder: Path, *arguments):
        super().__init__(
            *("dev", "--json", "--listen", "127.0.0.1:0", "--data", folder / "data", *arguments),
            folder=folder,
            environment=clean(),
            stdout=subprocess.PIPE,
        )
        line = self.process.stdout.readline()
        if not line:
            self.end()
            raise AssertionError(self.written)
        self.told = json.loads(line)
        self.origin = self.told["origin"]
        self.token = self.told["people"]["paul"]["token"]
        self.store = folder / "data" / "dezky.sqlite"
