"""Reads and resolves blueprints as Authentik's importer does, for each supported version.

The tags, the order of conditions and models, and what an unknown field does are those of `authentik/blueprints/v1/common.py`
@02df9eb9 and `importer.py` @02a34d22. What an entry may have is in the documents below `schema` and, for 2026.11, in the patch
that the connector's tests have.
"""

import functools
import importlib.util
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jsonschema
import yaml
from jsonschema.protocols import Validator

FOLDER = Path(__file__).parent.parent
REPOSITORY = FOLDER.parent.parent
BLUEPRINTS = {
    path.relative_to(FOLDER / "blueprints").as_posix(): path for path in sorted((FOLDER / "blueprints").rglob("*.yaml"))
}
VERSIONS = ["2025.12.6", "2026.2.0", "2026.5.6", "2026.8.3", "2026.11.0-rc1"]
NEWEST_KNOWN = "2026.8.3"
BY_HAND = REPOSITORY / "core/tests/connector_authentik/schema/2026.11.0-rc1.patch.json"

_found = importlib.util.spec_from_file_location("blueprint_schema", FOLDER / "schema.py")
_schema = importlib.util.module_from_spec(_found)
_found.loader.exec_module(_schema)
MODELS = _schema.MODELS | {"authentik_secrets.secret": "SecretRequest"}

# Fields that serializers have for blueprints alone (website/docs/customize/blueprints/v1/models.mdx @023e3fed).
FOR_BLUEPRINTS = {
    "authentik_core.token": {"key": {"type": "string", "minLength": 1}},
    "authentik_core.user": {"password": {"type": "string", "minLength": 1}},
    "authentik_rbac.role": {
        "permissions": {"type": "array", "items": {"type": "string", "pattern": r"^[a-z0-9_]+\.[a-z0-9_]+$"}}
    },
}
META = {
    "type": "object",
    "properties": {"identifiers": {"type": "object"}, "required": {"type": "boolean"}},
    "required": ["identifiers"],
}

# Models with numbers as keys; all others have UUIDs.
NUMBERED = {"authentik_core.user", "authentik_providers_oauth2.oauth2provider", "authentik_providers_scim.scimprovider"}
UUID = "00000000-0000-4000-8000-{:012x}"

# Objects that Authentik has by itself, with the blueprints that make them.
OWN_OBJECTS = {
    (
        "authentik_flows.flow",
        "slug",
        "default-provider-authorization-implicit-consent",
    ): "Default - Provider authorization flow (implicit consent)",
    ("authentik_flows.flow", "slug", "default-provider-invalidation-flow"): "Default - Provider invalidation flow",
    ("authentik_crypto.certificatekeypair", "name", "authentik Self-signed Certificate"): None,
    **{
        (
            "authentik_providers_oauth2.scopemapping",
            "managed",
            f"goauthentik.io/providers/oauth2/scope-{scope}",
        ): "System - OAuth2 Provider - Scopes"
        for scope in ("openid", "email", "profile", "offline_access")
    },
    **{
        (
            "authentik_providers_scim.scimmapping",
            "managed",
            f"goauthentik.io/providers/scim/{kind}",
        ): "System - SCIM Provider - Mappings"
        for kind in ("user", "group")
    },
}


class InvalidError(Exception):
    """A blueprint that Authentik would not apply."""


@dataclass
class Tag:
    """A tag with its arguments."""

    name: str
    arguments: Any


class Loader(yaml.SafeLoader):
    """Keeps tags as they are written."""


def _construct(loader: Loader, name: str, node: yaml.Node) -> Tag:
    if isinstance(node, yaml.SequenceNode):
        return Tag(name, loader.construct_sequence(node, deep=True))
    return Tag(name, loader.construct_scalar(node))


Loader.add_multi_constructor("!", _construct)


@functools.cache
def read(text: str) -> dict:
    """A blueprint with its tags."""
    return yaml.load(text, Loader)


def merged(value: Any, patch: Any) -> Any:
    """A value with a JSON merge patch (RFC 7396)."""
    if not isinstance(patch, dict):
        return patch
    value = dict(value) if isinstance(value, dict) else {}
    for name, inner in patch.items():
        if inner is None:
            value.pop(name, None)
        else:
            value[name] = merged(value.get(name), inner)
    return value


@functools.cache
def document(version: str) -> dict:
    """Requests and models of a version."""
    whole = json.loads((FOLDER / f"schema/{NEWEST_KNOWN}.json").read_text(encoding="utf-8"))
    if version == NEWEST_KNOWN:
        return whole
    if version == "2026.11.0-rc1":
        components = json.loads(BY_HAND.read_text(encoding="utf-8"))["components"]["schemas"]
        known = {name: components[name] for name in ("OAuth2ProviderRequest", "SecretRequest", "SecretTypeEnum")}
        # `providers/scim/migrations/0022_scimprovider_secret`, which `authentik/secrets/migrations/0002…` @2fa15cdc names.
        known["SCIMProviderRequest"] = {
            "properties": {"token": None, "secret": {"type": "string", "format": "uuid", "nullable": True}}
        }
        whole = merged(whole, {"components": {"schemas": known}})
        whole["models"] = [*whole["models"], "authentik_secrets.secret"]
        return whole
    return merged(whole, json.loads((FOLDER / f"schema/{version}.patch.json").read_text(encoding="utf-8")))


@functools.cache
def requests(version: str, model: str) -> tuple[set[str], Validator, Validator]:
    """The fields of a model, and what holds values to its creation and to its change."""
    schemas = document(version)["components"]["schemas"]
    request = schemas[MODELS[model]]
    properties = request["properties"] | FOR_BLUEPRINTS.get(model, {})
    schema = plain({**request, "properties": properties, "components": {"schemas": schemas}})
    return (
        set(properties),
        jsonschema.Draft202012Validator(schema),
        jsonschema.Draft202012Validator({**schema, "required": []}),
    )


@dataclass
class Applied:
    """An entry as it would be stored."""

    model: str
    values: dict[str, Any]
    # Fields that this version does not know, and passes over.
    unknown: set[str]
    key: Any
    state: str


@dataclass
class Importer:
    """Applies blueprints of one version, one after the other."""

    version: str
    environment: dict[str, str]
    objects: list[Applied] = field(default_factory=list)
    applied: dict[str, list[Applied]] = field(default_factory=dict)
    # Names of the blueprints that were waited for.
    waited: set[str] = field(default_factory=set)

    def apply(self, text: str) -> list[Applied]:
        """Applies a blueprint and those that it names; gives its entries."""
        blueprint = read(text)
        if blueprint["version"] != 1:
            raise InvalidError("version")
        name = blueprint["metadata"]["name"]
        if name in self.applied:
            return self.applied[name]
        context = {
            "goauthentik.io/rbac/models": {
                model.split(".")[1]: model.split(".")[0] for model in document(self.version)["models"]
            }
        }
        context |= blueprint.get("context", {})
        run = _Run(self, context)
        # Before the entries, so that blueprints that name each other are an error below and no endless loop.
        self.applied[name] = run.entries
        for entry in blueprint["entries"]:
            run.one(entry)
        return run.entries


@dataclass
class _Run:
    importer: Importer
    context: dict[str, Any]
    entries: list[Applied] = field(default_factory=list)
    by_id: dict[str, Applied] = field(default_factory=dict)

    def one(self, entry: dict) -> None:
        if set(entry) - {"model", "state", "conditions", "identifiers", "attrs", "permissions", "id"}:
            raise InvalidError(f"members of an entry: {sorted(entry)}")
        # The model is looked up before the conditions are.
        model = self.resolve(entry["model"])
        if model == "authentik_blueprints.metaapplyblueprint":
            self.another(self.resolve(entry["attrs"]))
            return
        if model not in document(self.importer.version)["models"]:
            raise InvalidError(f"no model {model}")
        if not all(self.resolve(entry.get("conditions", []))):
            return
        identifiers = self.resolve(entry.get("identifiers", {}))
        if not identifiers:
            raise InvalidError("no identifiers")
        values = self.resolve(entry.get("attrs", {})) | identifiers
        earlier = next(
            (one for one in self.importer.objects if one.model == model and identifiers.items() <= one.values.items()),
            None,
        )
        unknown = self.check(model, values, partial=earlier is not None)
        number = len(self.importer.objects) + 1
        key = earlier.key if earlier else (number if model in NUMBERED else UUID.format(number))
        stored = Applied(model, values, unknown, key, entry.get("state", "present"))
        self.importer.objects.append(stored)
        self.entries.append(stored)
        if "id" in entry:
            self.by_id[entry["id"]] = stored

    def another(self, attributes: dict) -> None:
        jsonschema.validate(attributes, META)
        name = attributes["identifiers"]["name"]
        self.importer.waited.add(name)
        for file in BLUEPRINTS.values():
            text = file.read_text(encoding="utf-8")
            if read(text)["metadata"]["name"] == name:
                self.importer.apply(text)
                return
        if name not in OWN_OBJECTS.values():
            raise InvalidError(f"no blueprint {name}")

    def check(self, model: str, values: dict, *, partial: bool) -> set[str]:
        """Holds the values of an entry to the request of its model; gives the fields that are not in it."""
        properties, whole, part = requests(self.importer.version, model)
        known = {name: value for name, value in values.items() if name in properties}
        for error in (part if partial else whole).iter_errors(known):
            raise InvalidError(f"{model} {error.json_path}: {error.message}")
        return set(values) - set(known)

    def resolve(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: self.resolve(inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [self.resolve(inner) for inner in value]
        return getattr(self, f"tag_{value.name.lower()}")(value.arguments) if isinstance(value, Tag) else value

    def tag_keyof(self, name: str) -> Any:
        if name not in self.by_id:
            raise InvalidError(f"no entry {name} before this one")
        return self.by_id[name].key

    def tag_env(self, name: str) -> Any:
        return self.importer.environment.get(name) or None

    def tag_context(self, name: str) -> Any:
        return self.resolve(self.context.get(name))

    def tag_format(self, arguments: list) -> str:
        text, *values = arguments
        return text % tuple(self.resolve(value) for value in values)

    def tag_if(self, arguments: list) -> Any:
        condition, yes, no = arguments
        # What is not taken is not resolved.
        return self.resolve(yes if self.resolve(condition) else no)

    def tag_atindex(self, arguments: list) -> Any:
        container, attribute, default = arguments
        return self.resolve(container).get(attribute, default)

    def tag_find(self, arguments: list) -> Any:
        model, *conditions = arguments
        if model not in document(self.importer.version)["models"]:
            raise InvalidError(f"no model {model}")
        wanted = dict(conditions)
        for one in self.importer.objects:
            if one.model == model and wanted.items() <= one.values.items():
                return one.key
        ((name, value),) = wanted.items()
        if (model, name, value) not in OWN_OBJECTS:
            # Authentik would go on with null.
            raise InvalidError(f"nothing to find: {arguments}")
        maker = OWN_OBJECTS[model, name, value]
        if maker and maker not in self.importer.waited:
            raise InvalidError(f"{arguments} comes from `{maker}`, which nothing here waits for")
        return UUID.format(sum(map(ord, value)))


def plain(value: Any) -> Any:
    """A schema of OpenAPI 3.0 as JSON Schema: with `nullable` as a type, and without what says nothing of values."""
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    value = {name: plain(inner) for name, inner in value.items()}
    nullable = value.pop("nullable", False)
    return {"anyOf": [{"type": "null"}, value]} if nullable is True else value
