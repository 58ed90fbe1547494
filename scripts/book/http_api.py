"""The reference of the HTTP API and of events, from the document of the API."""

from __future__ import annotations

import json
from typing import Any

from markdown import table

SCHEMAS = "schemas.md"
METHODS = ("get", "put", "post", "patch", "delete", "head", "options")
# What is said of a schema in words of JSON Schema, in the order in which it is read.
BOUNDS = (
    "format",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "pattern",
    "default",
    "example",
)


def named(reference: str) -> str:
    """Returns a link to a schema."""
    name = reference.rpartition("/")[2]
    return f"[{name}]({SCHEMAS}#{name.lower()})"


def kind(schema: dict[str, Any]) -> str:
    """Returns the type of a value in a few words."""
    if "$ref" in schema:
        return named(schema["$ref"])
    for several in ("oneOf", "anyOf", "allOf"):
        if several in schema:
            return " or ".join(dict.fromkeys(kind(each) for each in schema[several]))
    if "const" in schema:
        return f"`{json.dumps(schema['const'])}`"
    if "enum" in schema:
        return ", ".join(f"`{json.dumps(each)}`" for each in schema["enum"])
    types = schema.get("type", "anything")
    if isinstance(types, list):
        return " or ".join(kind({**schema, "type": each}) if each != "null" else "`null`" for each in types)
    if types == "array":
        return f"array of {kind(schema.get('items', {}))}"
    if types == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"object of {kind(schema['additionalProperties'])}"
    return types


def bounds(schema: dict[str, Any]) -> str:
    """Returns what else holds of a value."""

    def said(value: object) -> str:
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

    return "; ".join(f"{name} `{said(schema[name])}`" for name in BOUNDS if name in schema)


def fields(schema: dict[str, Any]) -> str:
    """Returns the fields of an object as a table."""
    required = schema.get("required", [])
    rows = [
        [f"`{name}`", kind(field), "yes" if name in required else "", field.get("description", ""), bounds(field)]
        for name, field in schema.get("properties", {}).items()
    ]
    return table(["field", "type", "required", "meaning", "bounds"], rows)


def content(what: dict[str, Any]) -> str:
    """Returns the types of a body."""
    return ", ".join(f"{kind(each.get('schema', {}))} (`{media}`)" for media, each in what.get("content", {}).items())


def operation(path: str, method: str, told: dict[str, Any]) -> str:
    """Returns the section of an operation."""
    # As code: a heading may end in a parameter, and braces at its end would be attributes of it.
    text = f"## `{method.upper()} {path}`\n\n{told['summary']}.\n\nOperation `{told['operationId']}`"
    if sdk := told.get("x-dezky-method"):
        text += f", in the packages `{sdk}`"
    text += ". " + ("Needs a bearer token." if told.get("security") else "Public.") + "\n\n"
    parameters = told.get("parameters", [])
    rows = [
        [
            f"`{each['name']}`",
            each["in"],
            kind(each["schema"]),
            "yes" if each.get("required") else "",
            each.get("description", ""),
            bounds(each["schema"]),
        ]
        for each in parameters
    ]
    text += table(["parameter", "in", "type", "required", "meaning", "bounds"], rows)
    if body := told.get("requestBody"):
        text += f"Body{'' if body.get('required') else ' (optional)'}: {content(body)}.\n\n"
    answers = [
        [
            f"`{status}`",
            answer.get("description", ""),
            content(answer),
            ", ".join(f"`{name}`" for name in answer.get("headers", {})),
        ]
        for status, answer in told["responses"].items()
    ]
    return text + table(["status", "meaning", "body", "headers"], answers)


def http_pages(document: dict[str, Any]) -> dict[str, str]:
    """Returns the pages of the HTTP API by file name: one for each tag, the overview first, the schemas last."""
    info = document["info"]
    operations = [
        (path, method, told)
        for path, methods in document["paths"].items()
        for method, told in methods.items()
        if method in METHODS
    ]
    overview = f"# HTTP API\n\n{info['description']} Version {info['version']}, from the document that `dezky openapi` prints.\n\n"
    overview += "Errors are [problem documents](schemas.md#problem) with a stable [code](../../docs/errors.md).\n\n"
    pages = {}
    tags = document["tags"]
    rows = []
    for tag in tags:
        name = tag["name"]
        own = [each for each in operations if each[2]["tags"] == [name]]
        heading = name.replace("_", " ").capitalize().replace("Api ", "API ")
        pages[f"{name}.md"] = f"# {heading}\n\n{tag['description']}\n\n" + "".join(operation(*each) for each in own)
        rows += [
            [f"[{heading}]({name}.md)", f"`{method.upper()} {path}`", told["summary"]] for path, method, told in own
        ]
    if len(rows) != len(operations):
        raise ValueError("an operation of the API has no tag of its own in the document")
    schemas = "# Schemas\n\nWhat bodies and answers consist of.\n\n"
    for name, schema in sorted(document["components"]["schemas"].items(), key=lambda item: item[0].lower()):
        schemas += f"## {name}\n\n{schema.get('description', '')}\n\n"
        if "properties" in schema:
            schemas += fields(schema)
        else:
            schemas += "Type: " + "; ".join(filter(None, [kind(schema), bounds(schema)])) + ".\n\n"
    overview += table(["section", "operation", "what it does"], rows)
    return {"index.md": overview, **pages, SCHEMAS: schemas}


def events_page(document: dict[str, Any]) -> str:
    """Returns the page of the types of events."""
    text = "# Events\n\nWhat the stream of events and webhooks tell. Each is an [EventMessage](http/schemas.md#eventmessage); "
    text += "[the design](../docs/design/events-out.md) says how they are delivered.\n\n"
    rows = []
    for name, told in document["webhooks"].items():
        schema = told["post"]["requestBody"]["content"]["application/json"]["schema"]
        changed = schema.get("properties", {}).get("data", {}).get("properties", {}).get("changedFields", {})
        names = ", ".join(f"`{each}`" for each in changed.get("items", {}).get("enum", []))
        rows.append([f"`{name}`", told["post"]["summary"], names])
    return text + table(["type", "when", "fields that may have changed"], rows)
