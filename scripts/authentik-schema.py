#!/usr/bin/env python3
"""Cuts out of Authentik's OpenAPI documents what the connector and its emulator use: authentik-schema.py

Writes core/tests/connector_authentik/schema: one whole document, and for each other version a JSON merge patch (RFC 7396) to
it. The documents come from the npm package @goauthentik/api (MIT). Needs npm and PyYAML. The patch of 2026.11 is kept by hand
until that version is released; then it becomes a line in VERSIONS.
"""

import json
import subprocess
import tarfile
import tempfile
from pathlib import Path

import yaml

WHOLE = "2026.8.3"
VERSIONS = ["2025.12.6", "2026.2.0", "2026.5.6"]
FOLDER = Path(__file__).parent.parent / "core/tests/connector_authentik/schema"

# Paths that the connector asks, with their methods.
PATHS = {
    "/admin/version/": ["get"],
    "/core/applications/": ["get", "post"],
    "/core/applications/{slug}/": ["get", "patch", "delete"],
    "/core/brands/": ["get", "post"],
    "/core/brands/{brand_uuid}/": ["get", "patch", "delete"],
    "/core/groups/": ["get", "post"],
    "/core/groups/{group_uuid}/": ["get", "patch", "delete"],
    "/core/groups/{group_uuid}/add_user/": ["post"],
    "/core/groups/{group_uuid}/remove_user/": ["post"],
    "/core/users/": ["get"],
    "/core/users/me/": ["get"],
    "/core/users/{id}/": ["get"],
    "/crypto/certificatekeypairs/": ["get"],
    "/flows/instances/{slug}/": ["get"],
    "/policies/bindings/": ["get", "post"],
    "/policies/bindings/{policy_binding_uuid}/": ["get", "patch", "delete"],
    "/propertymappings/provider/scope/": ["get"],
    "/providers/oauth2/": ["get", "post"],
    "/providers/oauth2/{id}/": ["get", "patch", "delete"],
    "/providers/oauth2/{id}/setup_urls/": ["get"],
    "/rbac/permissions/": ["get"],
}

# Texts for people, which say nothing about the form of a message.
TEXTS = ["description", "title", "operationId", "tags", "security"]


def document(version: str) -> dict:
    """The whole document of a version, from the registry."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["npm", "pack", "--silent", f"@goauthentik/api@{version}"]
        archive = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()
        with tarfile.open(Path(folder) / archive) as package:
            return yaml.load(package.extractfile("package/schema.yml"), Loader=yaml.CSafeLoader)


def plain(value: object) -> object:
    """A value without texts for people, and with sorted sets, so that patches are short."""
    if isinstance(value, dict):
        texts = {name for name in TEXTS if isinstance(value.get(name), str | list)}
        kept = {name: plain(inner) for name, inner in value.items() if name not in texts}
        return kept | {name: sorted(kept[name]) for name in ("enum", "required") if isinstance(kept.get(name), list)}
    return [plain(inner) for inner in value] if isinstance(value, list) else value


def references(value: object) -> set[str]:
    """The components that a value refers to."""
    if isinstance(value, dict):
        own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
        return own.union(*map(references, value.values()))
    return set().union(*map(references, value)) if isinstance(value, list) else set()


def extract(whole: dict) -> dict:
    """What the connector uses of a document, with everything that this refers to."""
    paths = {path: {method: plain(whole["paths"][path][method]) for method in PATHS[path]} for path in PATHS}
    info = {"title": "Authentik, extract", "version": whole["info"]["version"], "license": whole["info"]["license"]}
    components: dict = {}
    open_ones, seen = references(paths), set()
    while open_ones:
        reference = open_ones.pop()
        seen.add(reference)
        _, _, kind, name = reference.split("/")
        component = plain(whole["components"][kind][name])
        components.setdefault(kind, {})[name] = component
        open_ones |= references(component) - seen
    return {"openapi": whole["openapi"], "info": info, "paths": paths, "components": components}


def patch(old: object, new: object) -> object:
    """The merge patch from one value to another."""
    if not isinstance(old, dict) or not isinstance(new, dict):
        return new
    changed = {name: patch(old.get(name), value) for name, value in new.items() if old.get(name) != value}
    return changed | {name: None for name in old if name not in new}


def write(name: str, value: object) -> None:
    """Writes a file of the extract."""
    (FOLDER / name).write_text(json.dumps(value, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def main() -> None:
    """Writes all files."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    whole = extract(document(WHOLE))
    write(f"{WHOLE}.json", whole)
    for version in VERSIONS:
        write(f"{version}.patch.json", patch(whole, extract(document(version))))


if __name__ == "__main__":
    main()
