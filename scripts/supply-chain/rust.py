"""Components of a Rust crate: what cargo builds it from, with the checksums of Cargo.lock."""

import json
import tomllib
from functools import cache

from artefacts import REPOSITORY, Parts, output_of
from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from licences import licences
from packageurl import PackageURL

Key = tuple[str, str]


@cache
def checksums() -> dict[Key, str | None]:
    """The SHA-256 of each package in Cargo.lock; none for those of the workspace."""
    lock = tomllib.loads((REPOSITORY / "Cargo.lock").read_text(encoding="utf-8"))
    return {(package["name"], package["version"]): package.get("checksum") for package in lock["package"]}


@cache
def manifests() -> dict[Key, dict]:
    """What the manifest of each package says of it."""
    metadata = json.loads(output_of("cargo", "metadata", "--format-version", "1", "--locked"))
    return {(package["name"], package["version"]): package for package in metadata["packages"]}


def graph(crate: str, target: str, edges: str) -> tuple[Key, dict[Key, set[Key]]]:
    """The crate, and what each package in it depends on, with the features that a build of this crate alone selects.

    `cargo metadata` would not do: it adds the features that other members of the workspace select, and so lists databases
    in the component.
    """
    lines = output_of(
        "cargo",
        "tree",
        "--locked",
        "--package",
        crate,
        "--target",
        target,
        "--edges",
        edges,
        "--prefix",
        "depth",
        "--format",
        " {p}",
    ).splitlines()
    dependencies: dict[Key, set[Key]] = {}
    path: list[Key] = []
    for line in lines:
        depth, name, version, *_ = line.split()
        key = name, version.removeprefix("v")
        del path[int(depth) :]
        dependencies.setdefault(key, set())
        if path:
            dependencies[path[-1]].add(key)
        path.append(key)
    return path[0], dependencies


def component(key: Key, *, built_in: bool, kind: ComponentType) -> Component:
    """One package; `built_in` says that its code is in the artefact, and has not just run during the build."""
    name, version = key
    manifest = manifests()[key]
    checksum = checksums()[key]
    # Before SPDX expressions, alternatives were separated by a slash.
    licence = (manifest["license"] or "").replace("/", " OR ")
    return Component(
        type=kind,
        bom_ref=f"cargo:{name}@{version}",
        name=name,
        version=version,
        description=" ".join((manifest["description"] or "").split()) or None,
        scope=ComponentScope.REQUIRED if built_in else ComponentScope.EXCLUDED,
        licenses=licences(licence),
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=checksum)] if checksum else [],
        purl=PackageURL("cargo", name=name, version=version),
    )


def components(crate: str, target: str, kind: ComponentType) -> Parts:
    """A crate, all that it is built from, and what each depends on."""
    root, dependencies = graph(crate, target, "normal,build")
    built_in = graph(crate, target, "no-dev,no-build,no-proc-macro")[1]
    known = {
        key: component(key, built_in=key in built_in, kind=kind if key == root else ComponentType.LIBRARY)
        for key in dependencies
    }
    return Parts(
        known[root],
        list(known.values()),
        [(known[key], known[each]) for key, needed in dependencies.items() for each in needed],
    )
