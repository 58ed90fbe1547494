"""Units of systemd, held to what it understands and how it rates their confinement."""

import re
import shutil
import tempfile
from pathlib import Path

from programs import run

SYSTEM = Path("usr/lib/systemd/system")


def rating(unit: Path) -> str:
    """Returns the exposure of a unit as `systemd-analyze security` says it: 0 is best, 10 worst."""
    said = run("systemd-analyze", "security", "--offline=true", unit, check=False)
    return re.search(r"exposure level for \S+: ([0-9.]+)", said.stdout)[1]


def hold_to(exposure: float, *units: Path) -> None:
    """Fails for units that are rated worse."""
    assert units
    for unit in units:
        assert float(rating(unit)) <= exposure, f"{unit.name}: {rating(unit)}"


def verify(units: list[Path], programs: list[str]) -> None:
    """Fails for units that systemd does not understand, in a root that has the programs and its targets and nothing else."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        (root / SYSTEM).mkdir(parents=True)
        for each in (*units, *("/" / SYSTEM).glob("*.target")):
            if each.is_file():
                shutil.copy(each, root / SYSTEM / each.name)
        for program in programs:
            path = root / program.lstrip("/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("#!/bin/sh\n")
            path.chmod(0o755)
        # Timers name the service that they start; a template is verified as one of its instances.
        names = [unit.name.replace("@.", "@one.") for unit in units]
        done = run("systemd-analyze", "verify", "--man=no", f"--root={root}", *names, check=False)
        own = [line for line in done.stderr.splitlines() if any(unit.stem in line for unit in units)]
        assert (done.returncode, own) == (0, []), done.stderr
