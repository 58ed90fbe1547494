#!/usr/bin/env python3
"""Measures backup and restoration of Dezky's own data: measure.py [TENANTS] (5000), with DEZKY_TEST_BINARY set."""

import re
import sys
import time
import unittest

from world import NAMES, Platform, World, Writers


class Measurement(World):
    def test_measure(self):
        platform = Platform(self.folder)
        self.addCleanup(platform.end)
        self.settings["BACKUP_DEZKY_STORE"] = f"sqlite:{platform.store}"
        writers = Writers(platform, 4)
        self.addCleanup(writers.stop)
        writers.await_number(TENANTS, seconds=TENANTS)
        writers.stop()
        for name in ("first backup", "second backup, 10 tenants later"):
            begun = time.monotonic()
            self.script("backup.sh", "dezky")
            took = time.monotonic() - begun
            size = sum(file.stat().st_size for file in (self.folder / "falkenstein").rglob("*") if file.is_file())
            print(f"{name} into {len(NAMES)} repositories: {took:.1f} s; a repository has {size / 2**20:.1f} MiB")
            for number in range(10):
                platform.create_tenant(f"{name.split()[0]}-{number}")
        kept = self.restored("falkenstein", "dezky") / "dezky.sqlite"
        print(f"store: {sum(map(len, writers.acknowledged()))} tenants, {kept.stat().st_size / 2**20:.1f} MiB")
        for line in self.script("restore-drill.sh").stdout.splitlines():
            print(re.sub(r", \d+ s old \(recovery point\)", "", line))


TENANTS = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
if __name__ == "__main__":
    result = Measurement("test_measure").run()
    unittest.doModuleCleanups()
    for _, failure in [*result.failures, *result.errors]:
        print(failure, file=sys.stderr)
    sys.exit(not result.wasSuccessful())
