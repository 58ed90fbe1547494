"""The parts that are released, and what each is made from."""

import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Artefact:
    """A part that is released: a Rust crate, and the npm package around it where there is one."""

    name: str
    crate: str
    # The platform that it is built for, `{processor}` being that of this machine; none: this machine.
    target: str | None = None
    # The folder of its package.json, whose lock file is read if there is one.
    npm: str | None = None
    # The name under which an npm package has the crate inside, if that is another package than its own.
    addon: str | None = None

    @property
    def platform(self) -> str:
        """The platform that it is built for, as rustc names it."""
        return self.target.format(processor=host().partition("-")[0]) if self.target else host()


ARTEFACTS = {
    # As infrastructure/images/binary.sh builds it, for images, the Debian package and a release.
    "binary": Artefact("dezky", "dezky-host", target="{processor}-unknown-linux-musl"),
    "component": Artefact("dezky-wasm", "dezky-wasm", target="wasm32-wasip2"),
    # As infrastructure/lambda builds it.
    "lambda": Artefact("dezky-lambda", "dezky-lambda", target="aarch64-unknown-linux-gnu"),
    "node": Artefact("dezky-node", "dezky-node", npm="bindings/node"),
    "python": Artefact("dezky-python", "dezky-python"),
    "portal": Artefact("dezky-portal", "dezky-node", npm="examples/portal", addon="bindings/node"),
}


@cache
def output_of(*command: str) -> str:
    """Runs a command in the repository and returns what it prints."""
    return subprocess.run(command, cwd=REPOSITORY, check=True, stdout=subprocess.PIPE, text=True).stdout


@cache
def host() -> str:
    """The platform of this machine, as rustc names it."""
    return next(
        line.removeprefix("host: ") for line in output_of("rustc", "-vV").splitlines() if line.startswith("host: ")
    )
