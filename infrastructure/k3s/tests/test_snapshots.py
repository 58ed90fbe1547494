"""Overlays as they were reviewed."""

import yaml
from manifests import HERE, OVERLAYS, Everywhere, rendered


class Snapshots(Everywhere):
    def test_overlays_are_what_was_reviewed(self):
        for overlay in ("system", *OVERLAYS):
            snapshot = HERE / "snapshots" / f"{overlay}.yaml"
            self.assertEqual(snapshot.read_text(), rendered(overlay), "after a look at the difference: infrastructure/k3s/check.sh --update")
            self.assertTrue(list(yaml.safe_load_all(snapshot.read_text())))
