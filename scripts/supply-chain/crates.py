"""The crates that are published: what their manifests must say, and what their packages hold."""

import json
import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory

from artefacts import REPOSITORY, output_of

# What a registry refuses, or shows nothing for.
TEXTS = ("description", "license", "readme")
# Bounds of the registry of Rust.
KEYWORDS, CATEGORIES, SIZE = 5, 5, 10_000_000


def members(manifest: Path = REPOSITORY / "Cargo.toml") -> list[dict]:
    """The packages of a workspace."""
    options = ("--format-version", "1", "--no-deps", "--locked", "--manifest-path", str(manifest))
    return json.loads(output_of("cargo", "metadata", *options))["packages"]


def published(package: dict) -> bool:
    """Whether a package may be published."""
    return package["publish"] is None or package["publish"] != []


def faults(package: dict, packages: list[dict]) -> list[str]:
    """What keeps a package from being published."""
    name = package["name"]
    public = {each["name"]: each["version"] for each in packages if published(each)}
    found = [f"{name}: there is no `{text}`" for text in TEXTS if not package[text]]
    if not 1 <= len(package["keywords"]) <= KEYWORDS:
        found.append(f"{name}: there must be 1 to {KEYWORDS} keywords")
    if not 1 <= len(package["categories"]) <= CATEGORIES:
        found.append(f"{name}: there must be 1 to {CATEGORIES} categories")
    for dependency in package["dependencies"]:
        other = dependency["name"]
        # Cargo leaves those of tests out if they have no version.
        if "path" not in dependency or dependency["kind"] == "dev":
            continue
        if other not in public:
            found.append(f"{name}: it depends on `{other}`, which is not published")
        elif dependency["req"] != f"={public[other]}":
            found.append(f'{name}: its dependency `{other}` must have `version = "={public[other]}"` beside its path')
    return found


def packaged() -> dict[str, dict[str, bytes]]:
    """The files in the packages of all crates that are published, by their paths, as they would be uploaded."""
    with TemporaryDirectory() as folder:
        output_of("scripts/package-crates.sh", folder)
        return {path.name: contents(path) for path in sorted(Path(folder).glob("*.crate"))}


def contents(path: Path) -> dict[str, bytes]:
    """The files in a package, without the folder that all are in."""
    if path.stat().st_size > SIZE:
        raise ValueError(f"{path.name} has more than {SIZE} bytes")
    found = {}
    with tarfile.open(path) as archive:
        for member in archive.getmembers():
            file = archive.extractfile(member)
            if file is None:
                raise ValueError(f"{path.name} has `{member.name}`, which is no file")
            found[member.name.partition("/")[2]] = file.read()
    return found
