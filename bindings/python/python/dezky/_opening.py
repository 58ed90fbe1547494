"""Options of `open`."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Required, TypedDict

import msgspec

from . import _native
from ._errors import ConfigurationError, from_failure


class IssuerOptions(TypedDict, total=False):
    """An issuer whose access tokens are accepted."""

    id: Required[str]
    """Stable name under which its people are stored: lower-case letters, digits, ``-``, ``_`` and ``.``, at most 63 characters."""
    urls: Required[Sequence[str]]
    """Values of ``iss``, compared exactly, trailing slash included. The first one is where discovery looks."""
    audiences: Required[Sequence[str]]
    """Values of ``aud``, of which a token must carry at least one."""
    jwks: str | Mapping[str, Any]
    """Where its signing keys are: ``discovery``, a URL, or a JSON Web Key Set. Default: ``discovery``."""
    profile: Literal["authentik", "rfc9068", "any"]
    """What its access tokens look like. Default: ``authentik``."""
    groups: Literal["sync", "ignore"]
    """Whether the claim of groups is read. Default: ``sync`` for the issuer ``default``, ``ignore`` for every other."""
    groups_absent: Literal["keep", "none"]
    """What a token without that claim says: nothing (``keep``), or that the person is in no group (``none``). Default: ``keep``."""
    claims: Mapping[Literal["groups"], str]
    """What it calls that claim: a name, or a JSON pointer such as ``/realm_access/roles``. Default: ``groups``."""
    tenant: str
    """Slug of the only tenant that its people see. Default: none."""
    max_token_life: str | int
    """How long its access tokens may live, such as ``36h``, ``7d`` or a number of seconds. Default: 24 hours; at most 7 days."""
    jwks_hosts: Sequence[str]
    """Hosts beside its own on which its keys may be, with a port if it is not 443. Default: none."""
    private_addresses: bool
    """Whether the names of its hosts may have addresses of a private network. Default: no."""


def open_platform(
    store: str | None,
    oidc_issuer: str | None,
    oidc_audience: str | Sequence[str] | None,
    issuers: Sequence[IssuerOptions] | None,
    public_domain: str | None,
    platform_admin_group: str | None,
    extra_ca_certs: str | os.PathLike[str] | None,
    log: str | None,
    config: str | os.PathLike[str] | None,
    environment: bool,
    tasks: str | Sequence[str],
) -> _native.Platform:
    """Opens the native part."""
    try:
        encoded = None if issuers is None else msgspec.json.encode(issuers).decode()
    except TypeError as error:
        raise ConfigurationError(f"the option `issuers`: {error}", code="invalid_setting") from None
    try:
        return _native.Platform.open(
            store=store,
            oidc_issuer=oidc_issuer,
            oidc_audience=[oidc_audience] if isinstance(oidc_audience, str) else oidc_audience and list(oidc_audience),
            issuers=encoded,
            public_domain=public_domain,
            platform_admin_group=platform_admin_group,
            extra_ca_certs=None if extra_ca_certs is None else os.fspath(extra_ca_certs),
            log=log,
            config=None if config is None else Path(config),
            environment=environment,
            tasks=[tasks] if isinstance(tasks, str) else list(tasks),
        )
    except _native.Failure as failure:
        raise from_failure(failure) from None
