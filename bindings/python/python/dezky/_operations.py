"""From arguments of methods to requests, and from answers to results."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Generic, TypeVar, cast
from urllib.parse import quote

import msgspec
from msgspec import UNSET

from ._documents import Document, entity_tag, remember_entity_tag
from ._errors import from_problem, invalid_argument

Result = TypeVar("Result")

Answer = tuple[int, str | None, str | None, bytes]
"""Status, entity tag, seconds to wait, and body."""

_encode = msgspec.json.Encoder().encode


class Operation(Generic[Result]):
    """An operation of the API: its method and path, and what its answer is decoded to."""

    __slots__ = ("body_type", "decoder", "method", "parts", "places")

    def __init__(self, method: str, path: str, result: Any, body_type: str | None = None) -> None:
        self.method = method
        # "/tenants/{tenant}/members" is "/tenants/", a place, and "/members".
        pieces = path.replace("}", "{").split("{")
        self.parts = tuple(pieces[0::2])
        self.places = tuple(pieces[1::2])
        self.body_type = body_type
        self.decoder = None if result is None else msgspec.json.Decoder(result)

    def url(self, places: tuple[str, ...], query: Mapping[str, object] | None) -> str:
        """Path and query."""
        path = self.parts[0]
        for name, place, part in zip(self.places, places, self.parts[1:], strict=True):
            path += _place(name, place) + part
        if query:
            said = "&".join(
                f"{name}={quote(_text(value), safe='')}" for name, value in query.items() if value is not None
            )
            if said:
                path += "?" + said
        return path

    def headers(self, authorization: str, if_match: str | Document | None, idempotency_key: str | None) -> str:
        """Lines: a name, a value, and so on."""
        lines = authorization
        if self.body_type is not None:
            lines += "\ncontent-type\n" + self.body_type
        if if_match is not None:
            lines += "\nif-match\n" + one_line("if_match", _tag(if_match))
        if idempotency_key is not None:
            lines += "\nidempotency-key\n" + one_line("idempotency_key", idempotency_key)
        return lines.removeprefix("\n")

    def body(self, fields: Mapping[str, object] | None) -> bytes | None:
        """The body; what is not said is not in it."""
        if self.body_type is None:
            return None
        said = {} if fields is None else {name: wire(value) for name, value in fields.items() if value is not UNSET}
        try:
            return _encode(said)
        except (TypeError, ValueError) as error:
            raise invalid_argument("body", f"cannot be JSON: {error}") from None

    def result(self, answer: Answer) -> Result:
        """What an answer stands for: a document, nothing, or an error."""
        status, tag, retry_after, body = answer
        if status >= 400:
            raise from_problem(body, retry_after)
        if self.decoder is None or not body:
            return cast(Result, None)
        document = self.decoder.decode(body)
        if tag is not None:
            remember_entity_tag(document, tag)
        return cast(Result, document)


def one_line(name: str, value: object) -> str:
    """A header that one line cannot hold would be another header."""
    if not isinstance(value, str) or not value.isascii() or any(character in value for character in "\r\n\0"):
        raise invalid_argument(name, "must be plain text of one line")
    return value


def _place(name: str, place: object) -> str:
    if not isinstance(place, str) or not place:
        raise invalid_argument(name, "must be text that is not empty")
    # These two would be steps in the path, and no names in it.
    return place.replace(".", "%2E") if place in (".", "..") else quote(place, safe="")


def _tag(version: str | Document) -> str:
    tag = version if isinstance(version, str) else entity_tag(version) if isinstance(version, Document) else None
    if tag is None:
        raise invalid_argument("if_match", "must be a document as `get` or a change gave it, or an entity tag")
    return tag


def _text(value: object) -> str:
    if isinstance(value, enum.Enum):
        return str(value.value)
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return str(value)


def camel(name: str) -> str:
    """``logo_url`` as the API says it: ``logoUrl``."""
    first, *others = name.split("_")
    return first + "".join(other[:1].upper() + other[1:] for other in others)


def wire(value: object) -> object:
    """A value with its names as the API has them."""
    if isinstance(value, Mapping):
        return {camel(str(name)): wire(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [wire(part) for part in value]
    return value
