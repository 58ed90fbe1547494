"""Stores as such: which one is configured, copies, and what tells two apart. And inputs, read without any store."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

import msgspec

from . import _native
from ._documents import Document
from ._errors import FieldError, Invalid, from_failure
from ._operations import wire

Progress = Callable[[str, str, int], object]
"""Told how far something is: ``copied`` or ``verified``, the collection, and how many of its documents."""


class ConfiguredIssuer(Document, frozen=True, kw_only=True):
    """An issuer of the configuration."""

    id: str
    """Its stable name."""
    urls: tuple[str, ...] = ()
    """Values of ``iss``."""
    tenant: str | None = None
    """Slug of the only tenant that its people see."""


class Settings(Document, frozen=True, kw_only=True):
    """Where everything is that is configured."""

    store: str
    """The location of the store. It may hold a password; ``repr`` does not show it."""
    store_identity: str
    """The same without a password, and whatever folder this runs in."""
    issuers: tuple[ConfiguredIssuer, ...] = ()
    """The issuers."""

    def __repr__(self) -> str:
        return f"Settings(store_identity={self.store_identity!r}, issuers={self.issuers!r})"


class Fingerprint(Document, frozen=True, kw_only=True):
    """How many documents a collection has, and what tells it from any other."""

    collection: str
    """Name of the collection."""
    documents: int
    """Its documents."""
    sha256: str
    """SHA-256 over the canonical form of every document in the order of ids: the same in every kind of store."""


class Copied(Fingerprint, frozen=True, kw_only=True):
    """What was copied of a collection, and what proves it."""

    written: int
    """Documents that this run has written; fewer when it went on with an earlier one."""


_settings = msgspec.json.Decoder(Settings).decode
_copied = msgspec.json.Decoder(tuple[Copied, ...]).decode
_fingerprints = msgspec.json.Decoder(tuple[Fingerprint, ...]).decode


def settings(
    *, store: str | None = None, config: str | os.PathLike[str] | None = None, environment: bool = True
) -> Settings:
    """What ``open`` would open with these options, with nothing opened.

    Raises:
        ConfigurationError: A setting is wrong; the message names it.
    """
    try:
        return _settings(_native.settings(store, None if config is None else Path(config), environment))
    except _native.Failure as failure:
        raise from_failure(failure) from None


def copy_store(source: str, target: str, *, progress: Progress | None = None) -> tuple[Copied, ...]:
    """Copies all documents of one store into another, with ids, versions and what no release declares, and compares both.

    A copy that was broken off goes on where it stopped. Neither store may be written meanwhile.

    Args:
        source: ``sqlite:PATH``, ``mongodb://…`` or ``mongodb+srv://…``, or ``file:PATH`` of a file that has it.
        target: The same; it must be empty.
        progress: Told how far it is; an exception of it ends the copy.

    Raises:
        Conflict: The target is not empty, or the stores differ in the end.
        ConfigurationError: One of them names no store.
    """
    try:
        return _copied(_native.copy_store(source, target, progress))
    except _native.Failure as failure:
        raise from_failure(failure) from None


def fingerprint(store: str, *, progress: Progress | None = None) -> tuple[Fingerprint, ...]:
    """Counts and hashes of all collections of a store: equal where two stores hold the same, of whatever kind they are.

    Raises:
        ConfigurationError: It names no store.
    """
    try:
        return _fingerprints(_native.fingerprint(store, progress))
    except _native.Failure as failure:
        raise from_failure(failure) from None


def check_input(
    operation: Literal["tenants.create", "users.create", "members.grant", "subscriptions.create"],
    arguments: Mapping[str, object],
) -> tuple[FieldError, ...]:
    """The bad fields of an input, as the operation would name them; none where it can be read. No store is asked.

    Args:
        operation: Whose input it is.
        arguments: Those of the method, by name: ``check_input("tenants.create", {"slug": "acme", "name": "Acme"})``.
    """
    try:
        _native.check_input(operation, msgspec.json.encode(wire(arguments)))
    except _native.Failure as failure:
        error = from_failure(failure)
        if isinstance(error, Invalid):
            return error.fields
        raise error from None
    return ()
