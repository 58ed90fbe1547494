"""Comparison of the metrics and labels in rules and dashboard with those that a running release tells."""

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import unittest
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from programs import PATIENCE, Running, clean, free_ports, run
from release import BINARY, OPERATIONS, Dev, Release

FOLDER = Path(__file__).parent.parent
RULES = [file for file in sorted((FOLDER / "rules").glob("*.yaml")) if not file.name.startswith("tests")]
# Of exporters that do not run here: names that their documentation has.
FOREIGN = {
    "up": set(),
    "probe_success": set(),
    "probe_ssl_earliest_cert_expiry": set(),
    "node_filesystem_avail_bytes": {"fstype", "mountpoint"},
    "node_filesystem_size_bytes": {"fstype", "mountpoint"},
    "node_memory_MemAvailable_bytes": set(),
    "node_memory_MemTotal_bytes": set(),
    "node_timex_sync_status": set(),
    "node_timex_offset_seconds": set(),
}
# Labels that Prometheus adds.
ADDED = {"job", "instance"}
NAME = r"[A-Za-z_:][A-Za-z0-9_:]*"
OPERATORS = {"and", "or", "unless"}
MATCHER = re.compile(r"([a-z_]+)\s*(?:=~|!~|!=|=)\s*\"([^\"]*)\"")
SAMPLE = re.compile(r"^([a-z_0-9]+)(?:\{(.*)\})? \S+$")

class Receiver:
    """Collector that keeps the spans it gets."""

    def __init__(self):
        self.spans, self.arrived = [], threading.Condition()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                document = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with receiver.arrived:
                    for resource in document["resourceSpans"]:
                        for scope in resource["scopeSpans"]:
                            receiver.spans += scope["spans"]
                    receiver.path = self.path
                    receiver.arrived.notify_all()
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def await_spans(self, trace: str, parent: str) -> list[dict]:
        """Waits for the span within this one, and returns all of the trace."""
        with self.arrived:
            self.arrived.wait_for(lambda: any(span.get("parentSpanId") == parent for span in self.spans), PATIENCE)
            return [span for span in self.spans if span["traceId"] == trace]


def ask(url: str, token: str | None = None, body=None, **headers) -> tuple[int, str]:
    if token:
        headers["Authorization"] = f"Bearer {token}"
    if body is not None:
        headers["Content-Type"] = "application/json"
    request = urllib.request.Request(url, None if body is None else json.dumps(body).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def samples(text: str) -> dict[str, dict[str, set[str]]]:
    """Parses metrics into names with their labels, and the values of these."""
    found: dict[str, dict[str, set[str]]] = {}
    for line in text.splitlines():
        if sample := SAMPLE.match(line):
            labels = found.setdefault(sample[1], {})
            for name, value in re.findall(r'([a-z_]+)="([^"]*)"', sample[2] or ""):
                labels.setdefault(name, set()).add(value)
    return found


def expressions() -> list[tuple[str, str]]:
    """Lists every query with the rule or panel that has it."""
    found = []
    for file in RULES:
        text = re.sub(r"^\s*#.*\n", "", file.read_text(), flags=re.MULTILINE)
        blocks = re.split(r"^\s*- (?:alert|record): ", text, flags=re.MULTILINE)[1:]
        for block in blocks:
            name = block.split("\n", 1)[0]
            query = re.search(r"^( *)expr: (?:\|\n((?:\1  .*\n)+)|(.*))", block, re.MULTILINE)
            found.append((name, " ".join((query[2] or query[3]).split())))
    for panel in json.loads((FOLDER / "grafana/dezky.json").read_text())["panels"]:
        found += [(panel["title"], target["expr"]) for target in panel.get("targets", [])]
    return found


class Told(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = folder = Path(tempfile.mkdtemp(prefix="dezky-observability-"))
        cls.addClassCleanup(shutil.rmtree, folder, ignore_errors=True)
        cls.collector = Receiver()
        cls.addClassCleanup(cls.collector.server.server_close)
        cls.addClassCleanup(cls.collector.server.shutdown)
        cls.dev = Dev(folder)
        cls.addClassCleanup(cls.dev.end)
        origin, token = cls.dev.origin, cls.dev.token
        # A server beside it on the same store, with what `dezky dev` does without: limits and a collector.
        settings = clean(
            DEZKY_STORE=f"sqlite:{cls.dev.store}",
            DEZKY_TASKS="none",
            DEZKY_LISTEN="127.0.0.1:0",
            DEZKY_OPERATIONS_LISTEN="127.0.0.1:0",
            DEZKY_OIDC_ISSUER=cls.dev.told["issuer"],
            DEZKY_OIDC_AUDIENCE="dezky",
            DEZKY_CALLER_RATE="1",
            DEZKY_CALLER_BURST="2",
            DEZKY_OTLP_ENDPOINT=f"http://127.0.0.1:{cls.collector.server.server_port}",
        )
        cls.serve = Release("serve", folder=folder, environment=settings)
        cls.addClassCleanup(cls.serve.end)
        cls.served = f"http://{cls.serve.address()}"
        cls.operations = cls.serve.address(OPERATIONS)
        cls.token = token
        # Traffic, so that every family appears: a change, a key that is taken, refusals by a limit and by a token.
        for _ in range(2):
            ask(f"{origin}/tenants", token, {"slug": "acme", "name": "Acme"})
        ask(f"{origin}/subscriptions", token, {"tenantId": "acme", "plan": "business", "seats": 5})
        ask(f"{origin}/users/me", "wrong")
        cls.statuses = [ask(f"{cls.served}/users/me", token)[0] for _ in range(5)]
        cls.told = samples(ask(f"{origin}/metrics")[1] + ask(f"http://{cls.operations}/metrics")[1])
        textfiles = folder / "textfiles"
        textfiles.mkdir()
        store = clean(DEZKY_STORE=f"sqlite:{cls.dev.store}")
        run(FOLDER / "tenant-facts.sh", textfiles, BINARY, cwd=folder, env=store)
        cls.facts = samples((textfiles / "dezky-tenants.prom").read_text())

    def known(self) -> dict[str, set[str]]:
        known = {name: set(labels) for name, labels in {**self.told, **self.facts}.items()}
        # What infrastructure/backup writes, with the labels that it writes.
        for script in FOLDER.parent.glob("backup/*.sh"):
            for name, labels in re.findall(r'record (dezky_\w+) "(.*)" \S', script.read_text()):
                known.setdefault(name, set()).update(re.findall(r'([a-z_]+)=\\"', labels))
        return (
            known
            | FOREIGN
            | {record: set() for file in RULES for record in re.findall(r"record: (\S+)", file.read_text())}
        )

    def test_every_metric_and_label_is_told(self):
        known = self.known()
        for where, query in expressions():
            with self.subTest(where, query=query):
                # What is left without texts, matchers, ranges, labels of groups and numbers are names; functions have a parenthesis.
                grouped = [
                    label.strip() for labels in re.findall(r"\bby \(([^)]*)\)", query) for label in labels.split(",")
                ]
                bare = re.sub(r"\{[^}]*\}|\[[^\]]*\]|\bby \([^)]*\)", " ", query)
                used = set(re.findall(rf"(?<![\w:.])({NAME})\b(?!\s*\()", bare)) - OPERATORS
                self.assertTrue(used)
                self.assertLessEqual(used, known.keys())
                for name, matchers in re.findall(rf"({NAME})\{{([^}}]*)\}}", query):
                    for label, value in MATCHER.findall(matchers):
                        self.assertIn(label, known[name] | ADDED, name)
                        self.value_is_told(name, label, value)
                self.assertLessEqual(set(grouped), set().union(ADDED, *(known[name] for name in used)))

    def value_is_told(self, name: str, label: str, value: str):
        """Checks values of labels that appear completely here: tasks, systems and outcomes."""
        if label not in ("task", "system", "outcome"):
            return
        told = self.told.get(name, {}).get(label, set()) | self.facts.get(name, {}).get(label, set())
        for one in value.split("|"):
            self.assertIn(one, told, name)

    def test_every_metric_of_the_release_is_drawn(self):
        drawn = " ".join(query for _, query in expressions())
        for name in self.told:
            if not name.endswith(("_sum", "_count", "_created")):
                self.assertRegex(drawn, rf"\b{name}\b")

    def test_every_kind_of_error_and_limit_in_a_query_exists(self):
        # They appear only when they happen: the source is asked.
        host = FOLDER.parent.parent / "handlers/host/src"
        source = (host / "store/measured.rs").read_text() + (host / "server/metrics.rs").read_text()
        states = (FOLDER.parent.parent / "core/src/domain/workspace.rs").read_text()
        phases = {
            name.lower()
            for name in re.findall(
                r"^    ([A-Z][a-z]+),$", states.split("pub enum Phase", 1)[1].split("}", 1)[0], re.MULTILINE
            )
        }
        for _, query in expressions():
            for label, value in MATCHER.findall(query):
                for one in value.split("|"):
                    if label in ("kind", "limit"):
                        self.assertIn(f'=> "{one}"', source)
                    if label == "phase":
                        self.assertIn(one, phases)

    def test_facts_about_tenants_are_whole(self):
        self.assertEqual(self.facts["dezky_tenant_seats_used"]["tenant"], {"dezky", "acme"})
        self.assertIn("dezky_tenant_facts_last_success_timestamp_seconds", self.facts)

    def test_a_failing_release_leaves_the_facts_of_before(self):
        with tempfile.TemporaryDirectory() as name:
            before = Path(name) / "dezky-tenants.prom"
            before.write_text("before\n")
            done = subprocess.run([FOLDER / "tenant-facts.sh", name, "false"], capture_output=True)
            self.assertNotEqual(done.returncode, 0)
            self.assertEqual((before.read_text(), [*Path(name).iterdir()]), ("before\n", [before]))

    def test_refusals_are_those_that_the_settings_ask_for(self):
        self.assertIn(429, self.statuses)
        self.assertIn("caller", self.told["dezky_http_refused_total"]["limit"])

    def test_prometheus_takes_the_metrics_and_every_rule_is_healthy(self):
        folder = self.folder / "prometheus"
        folder.mkdir()
        shutil.copytree(FOLDER / "rules", folder / "rules", ignore=shutil.ignore_patterns("tests*"))
        # The configuration of this folder, with the release of this test, quickly.
        text = (FOLDER / "prometheus.yaml").read_text()
        text, replaced = re.subn(r"127\.0\.0\.1:9090, 127\.0\.0\.1:9091", self.operations, text)
        self.assertEqual(replaced, 1)
        text = re.sub(r"(scrape|evaluation)_interval: \w+", r"\1_interval: 1s", text)
        # A line for each evaluation of a rule.
        text = text.replace("global:\n", "global:\n  query_log_file: /dev/stderr\n", 1)
        # Nothing beyond this machine is asked.
        text = text[: text.index("  # From another machine")]
        (folder / "prometheus.yaml").write_text(text)
        [port] = free_ports(1)
        prometheus = Running(
            "prometheus",
            f"--config.file={folder}/prometheus.yaml",
            f"--storage.tsdb.path={folder}/data",
            f"--web.listen-address=127.0.0.1:{port}",
            folder=folder,
            environment=clean(),
        )
        self.addCleanup(prometheus.end, signal.SIGTERM)
        at, ready, health = prometheus.await_line("Server is ready").end(), [], {"none": "unknown"}
        for _ in range(PATIENCE):
            at = prometheus.await_line(r'"ruleGroup":.*"name":"dezky-processes"', at).end()
            ready = json.loads(ask(f"http://127.0.0.1:{port}/api/v1/query?query=dezky_ready")[1])["data"]["result"]
            groups = json.loads(ask(f"http://127.0.0.1:{port}/api/v1/rules")[1])["data"]["groups"]
            health = {rule["name"]: rule["health"] for group in groups for rule in group["rules"]}
            if ready and "unknown" not in health.values():
                break
        self.assertEqual(set(health.values()), {"ok"})
        self.assertEqual(ready[0]["value"][1], "1")

    def test_the_log_names_no_person_and_has_no_token(self):
        ask(f"{self.served}/tenants/acme", self.token)
        ask(f"{self.served}/users/me", self.token[:-4] + "AAAA")
        self.serve.await_line("token_signature")
        log = self.dev.written + self.serve.written
        self.assertIn("refused", log)
        for personal in ("Paul", "paul@", "Anna", "anna@", self.token[:40]):
            self.assertNotIn(personal, log)

    def test_a_span_continues_the_trace_of_its_caller_without_personal_data(self):
        trace, parent = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
        ask(f"{self.served}/launcher?slug=acme", traceparent=f"00-{trace}-{parent}-01")
        mine = self.collector.await_spans(trace, parent)
        self.assertTrue(mine)
        self.assertEqual(self.collector.path, "/v1/traces")
        # The spans of store calls are within that of the request.
        (request,) = [span for span in mine if span["parentSpanId"] == parent]
        self.assertTrue(all(span is request or span["parentSpanId"] == request["spanId"] for span in mine), mine)
        self.assertEqual((request["name"], request["kind"]), ("GET /launcher", 2))
        attributes = {attribute["key"] for attribute in request["attributes"]}
        self.assertEqual(attributes, {"http.request.method", "http.route", "http.response.status_code"})


if __name__ == "__main__":
    unittest.main()
