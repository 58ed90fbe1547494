#!/usr/bin/env python3
"""Upgrades a store of the release before, and goes back: check-upgrade.py FORMER RELEASE, two programs `dezky`.

The release must read all that the former one wrote, and write to it. Where it raises the version of the store's layout, the
former one must refuse the store and leave it as it is; where it does not, the former one must read what was written.
Either reads its own backup. FORMER may be RELEASE: then layouts of a release before and of one to come are made by their numbers.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

SETTINGS = {
    "DEZKY_SEED_SLUG": "acme",
    "DEZKY_SEED_NAME": "ACME",
    "DEZKY_LOG": "error",
    # Of a server that would start, if it did not refuse the store.
    "DEZKY_OIDC_ISSUER": "http://127.0.0.1:1/",
    "DEZKY_OIDC_AUDIENCE": "dezky",
    "DEZKY_LISTEN": "127.0.0.1:0",
    "DEZKY_OPERATIONS_LISTEN": "127.0.0.1:0",
}
REFUSED = 2
# Seconds after which a program is taken for one that goes on.
PATIENCE = 120


def dezky(program: Path, store: Path, *words: str, code: int = 0) -> str:
    """Runs a command on a store and returns what it prints, its errors if it is to fail."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DEZKY_")}
    variables = {**kept, **SETTINGS, "DEZKY_STORE": f"sqlite:{store}"}
    command = [program, *words]
    try:
        done = subprocess.run(
            command, cwd=store.parent, env=variables, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
    except subprocess.TimeoutExpired:
        sys.exit(f"check-upgrade.py: `{program} {' '.join(words)}` goes on, and was to end with {code}")
    if done.returncode != code:
        sys.exit(
            f"check-upgrade.py: `{program} {' '.join(words)}` ended with {done.returncode}, not {code}: {done.stderr}"
        )
    return done.stderr if code else done.stdout


def told(program: Path, store: Path, *words: str) -> list[dict]:
    """Returns the documents of a list, by id."""
    lines = dezky(program, store, *words, "--all", "--json").splitlines()
    return sorted((json.loads(line) for line in lines), key=lambda item: item["id"])


def layout(store: Path, change: int = 0) -> int:
    """Returns the version of a store's layout, after changing it by so much."""
    connection = sqlite3.connect(store)
    with connection:
        connection.execute("UPDATE store_meta SET value = value + ? WHERE key = 'schema_version'", (change,))
    [version] = connection.execute("SELECT value FROM store_meta WHERE key = 'schema_version'").fetchone()
    connection.close()
    return version


def copy(store: Path, name: str) -> Path:
    """Returns a copy of a store that nobody has open: its file alone is all of it."""
    other = store.with_name(name)
    shutil.copyfile(store, other)
    return other


def expect(truth: bool, says: str) -> None:
    """Ends the check with what does not hold."""
    if not truth:
        sys.exit(f"check-upgrade.py: {says}")


def refuses(program: Path, store: Path) -> None:
    """Expects a program to refuse a store and to leave it as it is."""
    before = layout(store)
    for words in (("serve",), ("worker",), ("tenant", "list")):
        says = dezky(program, store, *words, code=REFUSED)
        expect("use a newer release" in says, f"a refusal does not say what to do: {says}")
    expect(layout(store) == before, "a refused store was changed")


def main(former: Path, release: Path) -> None:
    """Goes forward and back in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "dezky.sqlite"
        dezky(former, store, "seed")
        for number in range(60):
            dezky(former, store, "tenant", "create", f"tenant-{number}", "--name", f"Tenant {number}")
        dezky(former, store, "tenant", "suspend", "tenant-1")
        written, events, before = told(former, store, "tenant", "list"), told(former, store, "audit"), layout(store)
        backup = copy(store, "backup.sqlite")

        # A release may tell more of a document, and must tell what was there.
        read = told(release, store, "tenant", "list")
        expect(
            all(old.items() <= new.items() for old, new in zip(written, read, strict=True)),
            "a tenant has become another",
        )
        expect(
            [each["id"] for each in told(release, store, "audit")] == [each["id"] for each in events],
            "the trail is another",
        )
        dezky(release, store, "tenant", "update", "tenant-2", "--name", "Written by the release")
        dezky(release, store, "audit", "verify")
        own = layout(store)
        expect(own >= before, f"the layout went back from {before} to {own}")
        if own > before:
            refuses(former, store)
        else:
            names = [each["name"] for each in told(former, store, "tenant", "list")]
            expect("Written by the release" in names, "the former release does not read what was written")
        expect(told(former, backup, "tenant", "list") == written, "the backup is not read as it was written")

        lower = copy(store, "lower.sqlite")
        layout(lower, -1)
        dezky(release, lower, "tenant", "list")
        expect(
            layout(lower) == own,
            f"a store of an older layout stays at {layout(lower)}, so that older releases would write to it",
        )
        higher = copy(store, "higher.sqlite")
        layout(higher, +1)
        refuses(release, higher)
        print(
            f"layout {before} became {own}: {len(read)} tenants and {len(events)} events as they were, {former.name} "
            f"{'refuses' if own > before else 'reads'} it"
        )


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: check-upgrade.py FORMER RELEASE")
    main(*(Path(word).resolve() for word in sys.argv[1:]))
