"""Components of an npm package: what its lock file installs where it runs.

`npm sbom` would do if it did not refuse a tree in which an optional peer has another version than it is asked for.
"""

import base64
import json
from pathlib import PurePosixPath

from artefacts import REPOSITORY
from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from licences import licences
from packageurl import PackageURL
from parts import Parts

ALGORITHMS = {
    "sha1": HashAlgorithm.SHA_1,
    "sha256": HashAlgorithm.SHA_256,
    "sha384": HashAlgorithm.SHA_384,
    "sha512": HashAlgorithm.SHA_512,
}


def hashes(integrity: str) -> list[HashType]:
    """The hashes of an `integrity` in a lock file, which has them in base64."""
    return [
        HashType(alg=ALGORITHMS[algorithm], content=base64.b64decode(digest).hex())
        for algorithm, _, digest in (each.partition("-") for each in integrity.split())
    ]


def component(name: str, entry: dict, *, kind: ComponentType = ComponentType.LIBRARY) -> Component:
    """A package as its manifest or its entry in a lock file has it."""
    scope, _, short = name.rpartition("/")
    licence = entry.get("license")
    return Component(
        type=kind,
        bom_ref=f"npm:{name}@{entry['version']}",
        group=scope or None,
        name=short,
        version=entry["version"],
        description=entry.get("description"),
        scope=ComponentScope.OPTIONAL if entry.get("optional") or entry.get("devOptional") else ComponentScope.REQUIRED,
        licenses=licences(licence if isinstance(licence, str) else ""),
        hashes=hashes(entry.get("integrity", "")),
        purl=PackageURL("npm", namespace=scope or None, name=short, version=entry["version"]),
    )


def resolve(packages: dict, start: str, name: str) -> str | None:
    """Where Node finds a package from a folder: in its own node_modules or in those above."""
    folder = start
    while True:
        candidate = str(PurePosixPath(folder, "node_modules", name)) if folder else f"node_modules/{name}"
        if candidate in packages:
            return candidate
        if not folder:
            return None
        folder = folder.rpartition("/node_modules/")[0] if "/node_modules/" in folder else ""


def manifest(folder: str, kind: ComponentType) -> Component:
    """The package of a folder itself."""
    entry = json.loads((REPOSITORY / folder / "package.json").read_text(encoding="utf-8"))
    # What is not published has no version of its own.
    return component(entry["name"], {"version": "0.0.0", **entry}, kind=kind)


def components(folder: str) -> Parts:
    """The package of a folder, all that is installed with it, and what each depends on."""
    root = manifest(folder, ComponentType.APPLICATION)
    lock = REPOSITORY / folder / "package-lock.json"
    if not lock.exists():
        return Parts(root, [root], [])
    packages = json.loads(lock.read_text(encoding="utf-8"))["packages"]
    installed = {path: entry for path, entry in packages.items() if not entry.get("dev")}
    # The same version in two places is one component.
    known: dict[str, Component] = {}
    by_path: dict[str, Component] = {"": root}
    for path, entry in installed.items():
        if path:
            each = component(entry.get("name") or path.rpartition("node_modules/")[2], entry)
            by_path[path] = known.setdefault(str(each.bom_ref), each)
    edges = []
    for path, entry in installed.items():
        for name in {
            **entry.get("dependencies", {}),
            **entry.get("optionalDependencies", {}),
            **entry.get("peerDependencies", {}),
        }:
            found = resolve(installed, path, name)
            if found:
                edges.append((by_path[path], by_path[found]))
    return Parts(root, [root, *known.values()], edges)
