"""Runs the binary with the settings of the manifests, and probes and stops it as the kubelet does. DEZKY_TEST_BINARY names it."""

import os
import pathlib
import re
import signal
import tempfile
import unittest
import urllib.error
import urllib.request

from manifests import REPOSITORY, containers, hook, of, pod, workloads
from programs import free_ports, run
from release import BINARY, Release

OVERLAY = "several-servers"


def get(port: int, path: str) -> int:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


class Process(Release):
    """A container's process, with everything under /etc/dezky in a folder of its own, and free ports."""

    def __init__(self, name: str, folder: pathlib.Path):
        [workload] = [each for each in workloads(OVERLAY) if each["metadata"]["name"] == name]
        [self.container] = containers(workload)
        self.spec = pod(workload)["spec"]
        [config] = [each for each in of(OVERLAY, "ConfigMap") if each["metadata"]["name"].startswith("dezky-settings-")]
        text = config["data"]["dezky.toml"].replace("/etc/dezky", str(folder))
        declared = self.container["ports"]
        *ports, other = free_ports(len(declared) + 1)
        self.ports = {}
        for port, self.ports[port["name"]] in zip(declared, ports, strict=True):
            text = text.replace(f'"0.0.0.0:{port["containerPort"]}"', f'"127.0.0.1:{self.ports[port["name"]]}"')
        # Addresses of another kind of process must not disturb.
        text = re.sub(r'"0\.0\.0\.0:\d+"', f'"127.0.0.1:{other}"', text)
        (folder / "dezky.toml").write_text(text)
        for path in re.findall(r'secret_file = "([^"]+)"', text):
            pathlib.Path(path).parent.mkdir(exist_ok=True)
            pathlib.Path(path).write_text("a-secret")
        environment = {"PATH": os.environ["PATH"], "SSL_CERT_FILE": "/etc/ssl/certs/ca-certificates.crt"}
        for variable in self.container["env"]:
            value = variable.get("value", f"sqlite:{folder / 'dezky.sqlite'}")
            environment[variable["name"]] = value.replace("/etc/dezky", str(folder))
        super().__init__(*self.container["args"], folder=folder, environment=environment)

    def probe(self, kind: str) -> int:
        request = self.container[kind]["httpGet"]
        return get(self.ports[request["port"]], request["path"])


class Binary(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def start(self, name: str, says: str) -> Process:
        process = Process(name, self.folder)
        self.addCleanup(process.end, signal.SIGKILL)
        process.await_line(says)
        self.assertEqual(200, process.probe("startupProbe"))
        return process

    def ends_in_time(self, process: Process) -> None:
        self.assertEqual(0, process.wait(process.spec["terminationGracePeriodSeconds"] - hook(process.container)))

    def test_a_host_starts_drains_and_ends_in_its_time(self):
        process = self.start("dezky-host", "listening")
        self.assertEqual(200, process.probe("livenessProbe"))
        # No issuer is reachable here, which readiness says and liveness does not.
        self.assertEqual(503, process.probe("readinessProbe"))
        self.assertEqual(200, get(process.ports["operations"], "/metrics"))
        self.assertEqual(404, get(process.ports["http"], "/metrics"), "metrics are for operators")
        process.process.send_signal(signal.SIGTERM)
        process.await_line("draining")
        self.assertEqual((200, 503), (process.probe("livenessProbe"), process.probe("readinessProbe")), "it does not drain")
        self.ends_in_time(process)

    def test_a_worker_becomes_ready_and_ends(self):
        process = self.start("dezky-worker", "working")
        self.assertEqual(200, process.probe("readinessProbe"))
        self.assertEqual(200, get(process.ports["operations"], "/metrics"))
        process.process.send_signal(signal.SIGTERM)
        self.ends_in_time(process)

    def test_a_variable_of_a_service_would_stop_the_start(self):
        # The reason for `enableServiceLinks: false` of pods.
        environment = {"DEZKY_STORE": "sqlite:x", "DEZKY_HOST_SERVICE_HOST": "10.43.0.1"}
        done = run(BINARY, "worker", check=False, env=environment, cwd=self.folder)
        self.assertIn("DEZKY_HOST_SERVICE_HOST", done.stderr)
        self.assertEqual(2, done.returncode)

    def test_variables_of_the_portal_are_those_that_it_documents(self):
        text = (REPOSITORY / "examples/portal/README.md").read_text()
        names = set(re.findall(r"`(NUXT_[A-Z_]+)`", text)) | {"HOST", "PORT"}
        names |= {"NUXT_OIDC_PROVIDERS_OIDC" + suffix for suffix in re.findall(r"`…(_[A-Z_]+)`", text)}
        [workload] = [each for each in workloads(OVERLAY) if each["metadata"]["name"] == "dezky-portal"]
        used = {variable["name"] for container in containers(workload) for variable in container["env"]}
        self.assertEqual(set(), used - names)


if __name__ == "__main__":
    unittest.main()
