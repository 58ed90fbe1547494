"""Writes the software bill of materials of released parts as CycloneDX 1.6: sbom.py FOLDER [PART...]

Two runs on the same commit and with the same tools write the same bytes.
"""

import os
import sys
import uuid
from datetime import UTC, datetime
from pathlib import Path

import npm
import rust
from artefacts import ARTEFACTS, Artefact, output_of
from cyclonedx.model import Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6


def tool(name: str) -> Component:
    """A program that this is told by."""
    version = output_of(name, "--version").split()[1]
    return Component(type=ComponentType.APPLICATION, bom_ref=f"tool:{name}@{version}", name=name, version=version)


def commit_time() -> datetime:
    """When what is released was committed, or what SOURCE_DATE_EPOCH says instead."""
    seconds = os.environ.get("SOURCE_DATE_EPOCH") or output_of("git", "log", "-1", "--format=%ct")
    return datetime.fromtimestamp(int(seconds), UTC)


def bill(artefact: Artefact) -> Bom:
    """The bill of materials of a part."""
    target = artefact.platform
    kind = ComponentType.LIBRARY if artefact.npm else ComponentType.APPLICATION
    subject, components, edges = crate = rust.components(artefact.crate, target, kind)
    if artefact.npm:
        package = npm.components(artefact.npm)
        subject = package.root
        # The package that has the crate inside.
        inside = npm.manifest(artefact.addon, ComponentType.LIBRARY) if artefact.addon else subject
        components = [*package.components, *crate.components] + ([inside] if inside is not subject else [])
        edges = [*package.edges, *crate.edges, (inside, crate.root)] + (
            [(subject, inside)] if inside is not subject else []
        )
    needed: dict[str, set[Component]] = {str(each.bom_ref): set() for each in components}
    for each, dependency in edges:
        needed[str(each.bom_ref)].add(dependency)

    bom = Bom(components=[each for each in components if each is not subject])
    bom.metadata.component = subject
    bom.metadata.timestamp = commit_time()
    # By the name that other tools for Rust write it under.
    bom.metadata.properties.add(Property(name="cdx:rustc:sbom:target:triple", value=target))
    bom.metadata.tools.components.update([tool("cargo"), tool("rustc")])
    bom.serial_number = uuid.uuid5(uuid.NAMESPACE_OID, " ".join([artefact.name, target, *sorted(needed)]))
    for each in components:
        bom.register_dependency(each, needed[str(each.bom_ref)])
    return bom


def write(folder: Path, name: str) -> Path:
    """Writes the bill of materials of a part into a folder, and returns its file."""
    artefact = ARTEFACTS[name]
    file = folder / f"{artefact.name}.cdx.json"
    file.write_text(JsonV1Dot6(bill(artefact)).output_as_string(indent=2) + "\n", encoding="utf-8")
    return file


def main() -> None:
    folder, *names = sys.argv[1:]
    unknown = set(names) - set(ARTEFACTS)
    if unknown:
        sys.exit(f"sbom.py: there is no part `{unknown.pop()}`: choose of {', '.join(ARTEFACTS)}")
    Path(folder).mkdir(parents=True, exist_ok=True)
    for name in names or ARTEFACTS:
        print(write(Path(folder), name))


if __name__ == "__main__":
    main()
