"""Rehearsal of the migration: the guide's own commands on databases that the old service's models have written."""

import json
import os
import re
import shutil
import tempfile
import unittest
import urllib.request
from pathlib import Path

import programs
from blocks import ROOT, run
from programs import PATIENCE, clean
from release import BINARY, Dev, Release

GUIDE = ROOT / "docs/operations/migration.md"
ESTATE = Path(__file__).parent / "estate.mjs"


def old_service(work: str, *arguments: str) -> str:
    return programs.run("node", ESTATE, work, *arguments).stdout


class Migration(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="dezky-migration-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        (self.folder / "bin").mkdir()
        (self.folder / "bin/dezky").symlink_to(BINARY)
        # For its issuer, whose people have the subjects of two people of the estate.
        dev = Dev(self.folder, "--no-systems")
        self.addCleanup(dev.end)
        self.told = dev.told
        self.environment = clean(
            PATH=f"{self.folder}/bin:{os.environ['PATH']}",
            DEZKY_OIDC_ISSUER=self.told["issuer"],
            DEZKY_OIDC_AUDIENCE="dezky",
            DEZKY_TEST_BINARY=BINARY,
            DEZKY_TEST_MONGODB_URI=os.environ["DEZKY_TEST_MONGODB_URI"],
            COPY=json.loads(old_service("write"))["uri"],
            MONGODB_URI=json.loads(old_service("write"))["uri"],
        )

    def tenants_of(self, origin: str, name: str) -> list[str]:
        token = self.told["people"][name]["token"]
        request = urllib.request.Request(f"{origin}/users/me", headers={"Authorization": f"Bearer {token}"})
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return sorted(tenant["slug"] for tenant in json.load(answer)["tenants"])

    def served(self, store: str) -> str:
        """Starts the release on a database without background tasks, and returns its address."""
        settings = {"DEZKY_STORE": store, "DEZKY_TASKS": "none", "DEZKY_LISTEN": "127.0.0.1:0"}
        serve = Release("serve", folder=self.folder, environment=self.environment | settings)
        self.addCleanup(serve.end)
        return f"http://{serve.address()}"

    def test_the_day_as_the_guide_has_it(self):
        estate = f"node {ESTATE}"
        say = "echo '--'"
        said = run(
            GUIDE,
            self.folder,
            {**self.environment, "DEZKY_STORE": self.environment["MONGODB_URI"]},
            {
                # In the live database, and in the copy that a fresh dump would be.
                "copy": f'{estate} use "$MONGODB_URI"; {estate} settle "$MONGODB_URI"; {estate} settle "$COPY"; {say}',
                # The old service has gone on meanwhile.
                "upgrade": f'{estate} use "$MONGODB_URI"; {say}',
                # In the time of Dezky, somebody is taken out.
                "revoked": f'dezky member revoke beta default/paul; {estate} use "$MONGODB_URI"; {say}',
                "forward": f'{estate} use "$MONGODB_URI"; {estate} forget "$MONGODB_URI"; {say}',
            },
            240,
        )
        part = {
            name: text.split("\n--\n", 1)[-1] for name, text in re.findall(r"==> (\S+)\n(.*?)(?===> )", said, re.DOTALL)
        }
        # The report of the first dry run names what the old service left; nothing remains after it was settled.
        self.assertIn("several_current_subscriptions", part["dry"])
        self.assertIn("dangling_tenant_id", part["dry"])
        for name in ("copy", "upgrade"):
            self.assertIn("There was nothing to do", part[name], name)
        self.assertIn("acme", part["beside"])
        self.assertIn("membership.revoke", part["revoked"])
        # The old service knows nothing of it: who was taken out is back there, as the guide warns.
        self.assertIn("anna is in acme, beta", said)
        # And the way forward begins anew: with the old service's word on who belongs where.
        origin = self.served(self.environment["MONGODB_URI"])
        self.assertEqual(self.tenants_of(origin, "paul"), ["beta"])
        # Her token does not have acme's group: what came from it ends with her first request, and beta stays. It has the group of the
        # platform's own tenant, which the first start has made.
        self.assertEqual(self.tenants_of(origin, "anna"), ["beta", "dezky"])


if __name__ == "__main__":
    unittest.main()
