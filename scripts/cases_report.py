#!/usr/bin/env python3
"""One report of the shared cases on all edges: cases_report.py FOLDER EDGE...

FOLDER is what DEZKY_TEST_CASES_REPORT named while the edges ran. Ends with 1 when an edge has run nothing, has not run the same cases as
the others, or when a case does not hold.
"""

import json
import sys
from pathlib import Path


def cases_of(folder: Path) -> dict[str, bool]:
    """The cases of an edge, by file and name, and whether they held."""
    return {
        f"{path.stem} › {name}": held
        for path in sorted(folder.glob("*.json"))
        for name, held in json.loads(path.read_text(encoding="utf-8")).items()
    }


def main(folder: str, *edges: str) -> int:
    """Prints a line for each edge, and what differs."""
    found = {edge: cases_of(Path(folder) / edge) for edge in edges}
    everything = set().union(*found.values())
    bad = False
    print(f"The same {len(everything)} cases on {len(edges)} edges")
    for edge, cases in found.items():
        failed = sorted(name for name, held in cases.items() if not held)
        missing = sorted(everything - cases.keys())
        bad = bad or bool(failed or missing or not cases)
        print(f"  {edge:<26} {len(cases) - len(failed):>4} held, {len(failed)} failed, {len(missing)} not run")
        for name in failed:
            print(f"    failed: {name}")
        for name in missing[:5]:
            print(f"    not run: {name}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
