"""Runs the binary with the settings of the manifests, and probes and stops it as the kubelet does. DEZKY_TEST_BINARY names it."""

import os
import pathlib
import re
import signal
import socket
import subprocess
import tempfile
import time
import unittest
import urllib.error
import urllib.request

from manifests import REPOSITORY, containers, of, pod, workloads
from test_promises import hook

BINARY = os.environ["DEZKY_TEST_BINARY"]
OVERLAY = "several-servers"


def free() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def get(port: int, path: str) -> int:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


class Process:
    """A container's process, with everything under /etc/dezky in a folder of its own, and free ports."""

    def __init__(self, name: str, folder: pathlib.Path):
        [workload] = [each for each in workloads(OVERLAY) if each["metadata"]["name"] == name]
        [self.container] = containers(workload)
        self.spec = pod(workload)["spec"]
        [config] = [each for each in of(OVERLAY, "ConfigMap") if each["metadata"]["name"].startswith("dezky-settings-")]
        text = config["data"]["dezky.toml"].replace("/etc/dezky", str(folder))
        self.ports = {}
        for port in self.container["ports"]:
            self.ports[port["name"]] = free()
            text = text.replace(f'"0.0.0.0:{port["containerPort"]}"', f'"127.0.0.1:{self.ports[port["name"]]}"')
        # What another kind of process listens on must not disturb.
        text = re.sub(r'"0\.0\.0\.0:\d+"', f'"127.0.0.1:{free()}"', text)
        (folder / "dezky.toml").write_text(text)
        for path in re.findall(r'secret_file = "([^"]+)"', text):
            pathlib.Path(path).parent.mkdir(exist_ok=True)
            pathlib.Path(path).write_text("a-secret")
        environment = {"PATH": os.environ["PATH"], "SSL_CERT_FILE": "/etc/ssl/certs/ca-certificates.crt"}
        for variable in self.container["env"]:
            value = variable.get("value", f"sqlite:{folder / 'dezky.sqlite'}")
            environment[variable["name"]] = value.replace("/etc/dezky", str(folder))
        self.log = folder / f"{name}.log"
        with open(self.log, "w") as log:
            self.process = subprocess.Popen([BINARY, *self.container["args"]], env=environment, cwd=folder, stdout=log, stderr=log)

    def probe(self, kind: str) -> int:
        request = self.container[kind]["httpGet"]
        return get(self.ports[request["port"]], request["path"])

    def until(self, kind: str, status: int, seconds: float) -> None:
        end = time.monotonic() + seconds
        while self.probe(kind) != status:
            if self.process.poll() is not None or time.monotonic() > end:
                raise AssertionError(f"{kind} is {self.probe(kind)} and not {status}: {self.log.read_text()}")
            time.sleep(0.05)


class Binary(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def start(self, name: str) -> Process:
        process = Process(name, self.folder)
        self.addCleanup(lambda: process.process.poll() is None and (process.process.kill(), process.process.wait()))
        starts = process.container["startupProbe"]
        process.until("startupProbe", 200, starts["periodSeconds"] * starts["failureThreshold"])
        return process

    def test_a_host_starts_drains_and_ends_in_its_time(self):
        process = self.start("dezky-host")
        self.assertEqual(200, process.probe("livenessProbe"))
        # No issuer is reachable here, which readiness says and liveness does not.
        self.assertEqual(503, process.probe("readinessProbe"))
        self.assertEqual(200, get(process.ports["operations"], "/metrics"))
        self.assertEqual(404, get(process.ports["http"], "/metrics"), "metrics are for operators")
        began = time.monotonic()
        process.process.send_signal(signal.SIGTERM)
        time.sleep(2)
        self.assertEqual((200, 503), (process.probe("livenessProbe"), process.probe("readinessProbe")), "it does not drain")
        self.assertEqual(0, process.process.wait(process.spec["terminationGracePeriodSeconds"]))
        self.assertLess(time.monotonic() - began + hook(process.container), process.spec["terminationGracePeriodSeconds"])

    def test_a_worker_becomes_ready_and_ends(self):
        process = self.start("dezky-worker")
        process.until("readinessProbe", 200, 20)
        self.assertEqual(200, get(process.ports["operations"], "/metrics"))
        process.process.send_signal(signal.SIGTERM)
        self.assertEqual(0, process.process.wait(process.spec["terminationGracePeriodSeconds"]))

    def test_a_variable_of_a_service_would_stop_the_start(self):
        # Why pods have `enableServiceLinks: false`.
        environment = {"DEZKY_STORE": "sqlite:x", "DEZKY_HOST_SERVICE_HOST": "10.43.0.1"}
        done = subprocess.run([BINARY, "worker"], env=environment, cwd=self.folder, capture_output=True, text=True, timeout=30)
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
