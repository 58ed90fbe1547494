"""What the API tells: frozen objects, decoded straight from its JSON."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

import msgspec

Item = TypeVar("Item")


class Document(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True, dict=True):
    """An object of the API. Attributes are its fields in ``snake_case``; what is absent is ``None``."""

    def __repr__(self) -> str:
        """Shows every field but a secret, which would end up in logs."""
        values = ((name, getattr(self, name)) for name in self.__struct_fields__)
        shown = (f"{name}={'…' if name == 'secret' and value else repr(value)}" for name, value in values)
        return f"{type(self).__name__}({', '.join(shown)})"


class Page(msgspec.Struct, Generic[Item], frozen=True, kw_only=True, rename="camel"):
    """A page of a list."""

    items: tuple[Item, ...]
    """The items."""
    next_cursor: str | None = None
    """Where the next page begins; ``None`` on the last one."""


def entity_tag(document: Document) -> str | None:
    """The entity tag with which a method has given this document; ``None`` for items of lists and for copies."""
    tag: str | None = document.__dict__.get("entity_tag")
    return tag


def remember_entity_tag(document: object, tag: str) -> None:
    """Keeps the tag beside the fields: it is no part of what the document says."""
    if isinstance(document, Document):
        beside: dict[str, Any] = vars(document)
        beside["entity_tag"] = tag


def to_dict(document: Document | Page[Any]) -> dict[str, Any]:
    """The document as the API's JSON has it: names in ``camelCase``, times and enums as text, nothing that is absent."""
    made: dict[str, Any] = msgspec.to_builtins(document, str_keys=True)
    return made


def to_json(document: Document | Page[Any]) -> bytes:
    """The document as JSON of the API."""
    return msgspec.json.encode(document)
