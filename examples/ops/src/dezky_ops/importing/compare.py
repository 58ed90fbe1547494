"""Whether a tenant that is there already is the one that a row speaks of."""

import re
import unicodedata
from collections.abc import Iterator, Mapping

from dezky import TenantView, to_dict

from .row import camel_case

MARKS = re.compile(r"[\s.\-]+")


def differences(arguments: Mapping[str, object], tenant: TenantView) -> list[str]:
    """Paths of the fields that a row says otherwise than the store, in the row's order. What a row leaves unsaid is
    equal.

    Texts are stored tidied up (white space, case of domains and of VAT numbers), so that they are compared without
    that."""
    stored = to_dict(tenant)
    return [path for path, wanted, found in pairs(arguments, stored, "") if plain(wanted) != plain(found)]


def pairs(wanted: Mapping[str, object], found: object, prefix: str) -> Iterator[tuple[str, object, object]]:
    """What a row says beside what is stored, field by field."""
    for name, value in wanted.items():
        field = camel_case(name)
        there = found.get(field) if isinstance(found, Mapping) else None
        if isinstance(value, Mapping):
            yield from pairs(value, there, f"{prefix}{field}.")
        else:
            yield f"{prefix}{field}", value, there


def plain(value: object) -> object:
    """A value without what the store tidies up."""
    if isinstance(value, str):
        return MARKS.sub("", unicodedata.normalize("NFKC", ascii_domain(value)).casefold())
    if isinstance(value, Mapping):
        return {camel_case(str(name)): plain(member) for name, member in value.items() if member is not None}
    if isinstance(value, (list, tuple)):
        return sorted((plain(item) for item in value), key=repr)
    return value


def ascii_domain(text: str) -> str:
    """A domain name of another script as the DNS writes it; any other text as it is."""
    if text.isascii() or "." not in text or any(character.isspace() for character in text):
        return text
    try:
        return text.encode("idna").decode("ascii")
    except UnicodeError:
        return text
