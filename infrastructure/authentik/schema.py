#!/usr/bin/env python3
"""Cuts out of Authentik's OpenAPI documents what blueprints may set: schema.py

Writes schema/2026.8.3.json, and for each other version a JSON merge patch to it. A blueprint goes through the same serializers
as the API, so that the request of a model's creation is what an entry may have (and the few more fields in tests/blueprint.py).
That of 2026.11 is the patch which is kept by hand in core/tests/connector_authentik/schema.
"""

import importlib.util
import json
from pathlib import Path

HERE = Path(__file__).parent
SCRIPT = HERE.parent.parent / "scripts/authentik-schema.py"

# Models that blueprints here have, with the request that creates one.
MODELS = {
    "authentik_core.application": "ApplicationRequest",
    "authentik_core.group": "GroupRequest",
    "authentik_core.token": "TokenRequest",
    "authentik_core.user": "UserRequest",
    "authentik_providers_oauth2.oauth2provider": "OAuth2ProviderRequest",
    "authentik_providers_oauth2.scopemapping": "ScopeMappingRequest",
    "authentik_providers_scim.scimmapping": "SCIMMappingRequest",
    "authentik_providers_scim.scimprovider": "SCIMProviderRequest",
    "authentik_rbac.role": "RoleRequest",
}


def tools():
    """The script that does the same for the connector."""
    found = importlib.util.spec_from_file_location("authentik_schema", SCRIPT)
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def extract(script, whole: dict) -> dict:
    """The requests, with everything that they refer to, and the names of all models."""
    schemas = whole["components"]["schemas"]
    kept: dict = {}
    open_ones = {f"#/components/schemas/{name}" for name in MODELS.values()}
    while open_ones:
        name = open_ones.pop().rsplit("/", 1)[1]
        kept[name] = script.plain(schemas[name])
        open_ones |= {
            reference for reference in script.references(kept[name]) if reference.rsplit("/", 1)[1] not in kept
        }
    return {
        "version": whole["info"]["version"],
        "models": sorted(schemas["ModelEnum"]["enum"]),
        "components": {"schemas": kept},
    }


def main() -> None:
    """Writes all files."""
    script = tools()
    whole = extract(script, script.document(script.WHOLE))
    documents = {f"{script.WHOLE}.json": whole}
    for version in script.VERSIONS:
        documents[f"{version}.patch.json"] = script.patch(whole, extract(script, script.document(version)))
    for name, value in documents.items():
        (HERE / "schema" / name).write_text(json.dumps(value, indent=1, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
