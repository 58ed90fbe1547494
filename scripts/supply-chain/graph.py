"""What cargo builds a crate from."""

import json
from functools import cache

from artefacts import output_of

Key = tuple[str, str]
# The edges to code that is in the artefact, and has not just run during the build.
BUILT_IN = "no-dev,no-build,no-proc-macro"


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
