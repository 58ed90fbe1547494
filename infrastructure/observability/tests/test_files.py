"""Agreement of rules, dashboard, units and documents."""

import json
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import units

FOLDER = Path(__file__).parent.parent
RULES = {file.name: file.read_text() for file in (FOLDER / "rules").glob("*.yaml")}
ALERTS = {name: set(re.findall(r"- alert: (\S+)", text)) for name, text in RULES.items()}
EVERY = set().union(*ALERTS.values())
EXPOSURE = 2.0


class Rules(unittest.TestCase):
    def test_every_alert_is_tested_explained_and_has_a_severity(self):
        tests = RULES["tests.yaml"] + RULES["tests-long.yaml"]
        # An entry that expects one, on the same line or below.
        fires = set(re.findall(r"alertname: (\w+)[^\n]*exp_alerts: \[\{", tests))
        fires |= set(re.findall(r"alertname: (\w+)\n\s+eval_time: \w+\n\s+exp_alerts:(?: \[\{|\n)", tests))
        self.assertEqual(fires, EVERY)
        table = (FOLDER / "README.md").read_text().split("## When an alert fires", 1)[1].split("\n## ", 1)[0]
        explained = {
            name
            for line in table.splitlines()
            if line.startswith("| `")
            for name in re.findall(r"`(Dezky\w+)`", line.split("|")[1])
        }
        self.assertEqual(explained, EVERY)
        for text in RULES.values():
            for block in re.split(r"- alert: ", text)[1:]:
                alert = block.split("\n", 1)[0]
                self.assertRegex(block, r"labels: \{severity: (page|ticket)\}", alert)
                self.assertRegex(block, r"summary: '", alert)

    def test_the_unit_tests_pass(self):
        # promtool compares texts as well, word by word: without them a test says what matters.
        with tempfile.TemporaryDirectory() as folder:
            for name, text in RULES.items():
                bare = re.sub(r"^ +(annotations|summary):.*\n", "", text, flags=re.MULTILINE)
                (Path(folder) / name).write_text(bare)
            done = subprocess.run(
                ["promtool", "test", "rules", "tests.yaml", "tests-long.yaml"],
                cwd=folder,
                capture_output=True,
                text=True,
            )
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_rules_and_configuration_are_valid(self):
        files = [FOLDER / "rules" / name for name in ALERTS if not name.startswith("tests")]
        subprocess.run(["promtool", "check", "rules", "--lint-fatal", *files], check=True, capture_output=True)
        subprocess.run(["promtool", "check", "config", FOLDER / "prometheus.yaml"], check=True, capture_output=True)

    def test_all_rules_are_loaded(self):
        loaded = set(re.findall(r"- rules/(\S+)", (FOLDER / "prometheus.yaml").read_text()))
        self.assertEqual(loaded, {name for name in RULES if not name.startswith("tests")})


class Dashboard(unittest.TestCase):
    def setUp(self):
        self.text = (FOLDER / "grafana/dezky.json").read_text()
        self.panels = json.loads(self.text)["panels"]

    def test_it_is_what_the_script_prints(self):
        printed = subprocess.run(
            [sys.executable, FOLDER / "grafana/dashboard.py"], check=True, capture_output=True, text=True
        )
        self.assertEqual(printed.stdout, self.text)

    def test_panels_have_their_own_number_and_place(self):
        self.assertEqual(len({panel["id"] for panel in self.panels}), len(self.panels))
        taken = set()
        for panel in self.panels:
            place = panel["gridPos"]
            self.assertLessEqual(place["x"] + place["w"], 24)
            cells = {
                (x, y)
                for x in range(place["x"], place["x"] + place["w"])
                for y in range(place["y"], place["y"] + place["h"])
            }
            self.assertFalse(cells & taken, panel["title"])
            taken |= cells

    def test_queries_are_valid(self):
        # promtool reads expressions in rules only.
        queries = [target["expr"] for panel in self.panels for target in panel.get("targets", [])]
        rules = [
            {"record": f"dashboard:{number}", "expr": query.replace("$__rate_interval", "5m")}
            for number, query in enumerate(queries)
        ]
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            # JSON is YAML.
            json.dump(
                {
                    "groups": [
                        {
                            "name": "dashboard",
                            "rules": [{**rule, "record": f"dashboard:q{number}"} for number, rule in enumerate(rules)],
                        }
                    ]
                },
                file,
            )
            file.flush()
            done = subprocess.run(["promtool", "check", "rules", file.name], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


class Cluster(unittest.TestCase):
    def test_the_cluster_gets_the_same_rules_and_dashboard(self):
        printed = subprocess.run([FOLDER / "kubernetes.sh"], check=True, capture_output=True, text=True).stdout
        documents = printed.split("---\n")
        kinds = [re.search(r"^kind: (\w+)", document, re.MULTILINE)[1] for document in documents]
        self.assertEqual(kinds.count("PrometheusRule"), len(RULES) - 2)
        found = set()
        for document in documents:
            if "kind: PrometheusRule" in document:
                rules = re.sub(r"^  ", "", document.split("spec:\n", 1)[1], flags=re.MULTILINE)
                self.assertIn(rules, RULES.values())
                found |= set(re.findall(r"- alert: (\S+)", rules))
            if "dezky.json: |\n" in document:
                text = re.sub(r"^    ", "", document.split("dezky.json: |\n", 1)[1], flags=re.MULTILINE)
                self.assertEqual(text, (FOLDER / "grafana/dezky.json").read_text())
        self.assertEqual(found, EVERY)

    def test_versions_are_pinned(self):
        self.assertRegex(
            (FOLDER / "kubernetes.sh").read_text(), r"chart: kube-prometheus-stack\n.*\n  version: \d+\.\d+\.\d+\n"
        )


class Units(unittest.TestCase):
    def test_units_are_valid_and_confined(self):
        folder = FOLDER / "systemd"
        units.verify(sorted(folder.iterdir()), ["/usr/lib/dezky-observability/tenant-facts.sh"])
        units.hold_to(EXPOSURE, *folder.glob("*.service"))


if __name__ == "__main__":
    unittest.main()
