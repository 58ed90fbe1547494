"""Components of a Rust crate: what cargo builds it from, with the checksums of Cargo.lock."""

import tomllib
from functools import cache

from artefacts import REPOSITORY
from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from graph import BUILT_IN, Key, graph, manifests
from licences import licences
from packageurl import PackageURL
from parts import Parts


@cache
def checksums() -> dict[Key, str | None]:
    """The SHA-256 of each package in Cargo.lock; none for those of the workspace."""
    lock = tomllib.loads((REPOSITORY / "Cargo.lock").read_text(encoding="utf-8"))
    return {(package["name"], package["version"]): package.get("checksum") for package in lock["package"]}


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
    built_in = graph(crate, target, BUILT_IN)[1]
    known = {
        key: component(key, built_in=key in built_in, kind=kind if key == root else ComponentType.LIBRARY)
        for key in dependencies
    }
    return Parts(
        known[root],
        list(known.values()),
        [(known[key], known[each]) for key, needed in dependencies.items() for each in needed],
    )
