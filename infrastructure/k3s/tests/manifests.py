"""Renders the overlays, and finds things in them."""

import functools
import pathlib
import shutil
import subprocess
import tempfile
import tomllib
import unittest
from urllib.parse import urlsplit

import yaml

HERE = pathlib.Path(__file__).resolve().parent.parent
REPOSITORY = HERE.parent.parent
OVERLAYS = ("one-server", "several-servers")
# Stands for both optional components: an installation adds them to its overlay.
EVERYTHING = "one-server-with-everything"
ALL = (*OVERLAYS, EVERYTHING)


def build(folder: pathlib.Path) -> str:
    done = subprocess.run(["kubectl", "kustomize", folder], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"`{folder}` does not build: {done.stderr}")
    return done.stdout


@functools.cache
def rendered(overlay: str) -> str:
    if overlay == "system":
        return build(HERE / "system")
    if overlay != EVERYTHING:
        return build(HERE / "overlays" / overlay)
    with tempfile.TemporaryDirectory() as folder:
        copy = pathlib.Path(folder)
        for part in ("base", "components", "overlays"):
            shutil.copytree(HERE / part, copy / part)
        path = copy / "overlays/one-server/kustomization.yaml"
        settings = yaml.safe_load(path.read_text())
        settings["components"] += [f"../../components/{part.name}" for part in sorted((copy / "components").iterdir())]
        settings["components"] = sorted(set(settings["components"]))
        path.write_text(yaml.safe_dump(settings))
        return build(path.parent)


@functools.cache
def documents(overlay: str) -> list[dict]:
    """All resources of an installation: those of the system, and those of an overlay."""
    names = ("system",) if overlay == "system" else ("system", overlay)
    return [document for name in names for document in yaml.safe_load_all(rendered(name)) if document]


def of(overlay: str, *kinds: str) -> list[dict]:
    return [document for document in documents(overlay) if document["kind"] in kinds]


def name(document: dict) -> str:
    return f"{document['metadata'].get('namespace', '')}/{document['metadata']['name']}"


def workloads(overlay: str) -> list[dict]:
    return of(overlay, "Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob")


def pod(document: dict) -> dict:
    return document["spec"]["template"]


def containers(document: dict) -> list[dict]:
    spec = pod(document)["spec"]
    return spec.get("initContainers", []) + spec["containers"]


def values(overlay: str) -> dict[str, dict]:
    """The values of each chart, by its name. Those of a HelmChartConfig are apart: `NAME+`."""
    charts = {}
    for document in of(overlay, "HelmChart", "HelmChartConfig"):
        suffix = "+" if document["kind"] == "HelmChartConfig" else ""
        charts[document["metadata"]["name"] + suffix] = yaml.safe_load(document["spec"].get("valuesContent", "")) or {}
    return charts


def leaves(value, path=()):
    """Every value with its path."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from leaves(inner, (*path, index))
    else:
        yield path, value


def settings(overlay: str) -> dict:
    """dezky.toml, as the hosts get it."""
    [config] = [document for document in of(overlay, "ConfigMap") if document["metadata"]["name"].startswith("dezky-settings-")]
    return tomllib.loads(config["data"]["dezky.toml"])


def hook(container: dict) -> int:
    """Seconds that a container waits before its process is told to stop."""
    return container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)


def mail_host(overlay: str) -> str:
    return urlsplit(settings(overlay)["stalwart"]["url"]).hostname


class Everywhere(unittest.TestCase):
    """Promises of every installation."""

    def every(self, things):
        """Each of (overlay, thing) as a subtest. There must be at least one."""
        things = list(things)
        self.assertTrue(things, "nothing is looked at")
        for overlay, thing in things:
            with self.subTest(overlay=overlay, thing=name(thing)):
                yield overlay, thing

    def workloads(self):
        yield from self.every((overlay, each) for overlay in ALL for each in workloads(overlay))
