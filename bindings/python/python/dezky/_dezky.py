"""Dezky for synchronous programs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

from . import _native
from ._asgi import Asgi
from ._callers import Caller, each
from ._errors import DezkyError, from_failure
from ._opening import IssuerOptions, open_platform
from ._operations import Operation, one_line
from ._resources import UseCases
from ._rights import Rights
from ._types import LauncherView

Result = TypeVar("Result")

LAUNCHER: Operation[LauncherView] = Operation("GET", "/launcher", LauncherView)


class Scope(UseCases):
    """The use cases, on behalf of one caller."""

    __slots__ = ()

    def each(
        self, method: Callable[..., Result], calls: Iterable[Mapping[str, Any]], *, concurrency: int = 64
    ) -> Iterator[Result | DezkyError]:
        """Makes many calls, several of them at a time, and tells what each gave, in their order: its result, or its error.

        ``for outcome in scope.each(scope.tenants.create, [{"slug": "acme", "name": "Acme"}, …])``. The store makes what is under way
        durable together, so that this is many times as fast as one call after the other. In which order they take effect is not said.
        Memory is bounded: of ``calls``, which may be a generator, no more is read than is under way. Who looks no further ends what is
        under way: of each call, all has happened or nothing.

        Args:
            method: A method of this scope that gives one answer.
            calls: The arguments of each call, by name.
            concurrency: How many calls are under way at the most.
        """
        return each(method, calls, concurrency)

    def rights(self, user: str, tenant: str | None = None) -> Rights:
        """What a person may do in a tenant, or without one on the platform, and why: the decisions of the policy.

        They are those that the person's own calls would meet now, were they made with a token that holds. For system actors alone.
        Actions on members are decided for members who are no owners.

        Args:
            user: Id of the person.
            tenant: Id or slug of the tenant; without it the actions that concern none.

        Raises:
            NotFound: There is no such person or tenant.
        """
        return self._caller.rights(user, tenant)


class Dezky:
    """Dezky inside this process: the use cases and the API over a store.

    Made by ``Dezky.open(…)``; a context manager, which closes it. It may be used from several threads at the same time.
    """

    __slots__ = ("_platform", "asgi")

    asgi: Asgi
    """The whole API as an ASGI 3 application: to be served by uvicorn and others, or mounted."""

    def __init__(self, platform: _native.Platform) -> None:
        if not isinstance(platform, _native.Platform):
            raise TypeError("use `Dezky.open(…)`")
        self._platform = platform
        self.asgi = Asgi(platform)

    @classmethod
    def open(
        cls,
        *,
        store: str | None = None,
        oidc_issuer: str | None = None,
        oidc_audience: str | Sequence[str] | None = None,
        issuers: Sequence[IssuerOptions] | None = None,
        public_domain: str | None = None,
        platform_admin_group: str | None = None,
        extra_ca_certs: str | os.PathLike[str] | None = None,
        log: str | None = None,
        config: str | os.PathLike[str] | None = None,
        environment: bool = True,
        tasks: str | Sequence[str] = (),
    ) -> Self:
        """Opens the store and begins to fetch the issuers' keys.

        What is left out comes from ``DEZKY_*`` variables, and then from the configuration file. A store or an issuer that does not
        answer is no error here: calls raise ``Unavailable`` until it does.

        Args:
            store: The store: ``sqlite:PATH``, ``mongodb://…`` or ``mongodb+srv://…``, or ``file:PATH`` of a file that has it.
            oidc_issuer: URL of the issuer ``default``, exactly as ``iss`` says it.
            oidc_audience: Client ids that tokens of the issuer ``default`` may be for.
            issuers: All issuers, in place of every other setting of issuers.
            public_domain: Tenants live at ``<slug>.<this>``.
            platform_admin_group: Members of this group administer the platform.
            extra_ca_certs: PEM file of authorities beside the system's.
            log: What is logged on standard error: a level, or a filter such as ``warn,dezky=debug``. The first ``open`` of a
                process decides. Default: ``warn``.
            config: The configuration file. Default: ``DEZKY_CONFIG``, else ``dezky.toml`` in the working folder if it is there.
            environment: Whether ``DEZKY_*`` variables, and a file that no option names, are read.
            tasks: Background tasks that this process runs: ``"all"``, or names, as for ``DEZKY_TASKS``. Of several processes that may
                run a task, one does at a time. Default: none; ``dezky serve`` runs all.

        Raises:
            ConfigurationError: A setting is wrong; the message names it.
        """
        return cls(
            open_platform(
                store,
                oidc_issuer,
                oidc_audience,
                issuers,
                public_domain,
                platform_admin_group,
                extra_ca_certs,
                log,
                config,
                environment,
                tasks,
            )
        )

    def as_user(self, access_token: str) -> Scope:
        """The use cases as a person. The token is verified at every call, and a revoked right is gone with the next one."""
        return Scope(Caller(self._platform, None, "authorization\nBearer " + one_line("access_token", access_token)))

    def as_system(self, name: str) -> Scope:
        """The use cases as a named system actor, which may do everything and stands in the audit trail.

        Args:
            name: Such as ``nightly-report``: 1 to 64 letters, digits, ``-``, ``_``, ``.``, ``@`` or ``:``.

        Raises:
            Invalid: The name cannot be used.
        """
        try:
            _native.check_actor(name)
        except _native.Failure as failure:
            raise from_failure(failure) from None
        return Scope(Caller(self._platform, name, ""))

    def verify(self, access_token: str) -> _native.VerifiedToken:
        """Verifies an access token: signature, issuer, audience and times. Waits only when keys must be fetched for it.

        A token that is still remembered gives the same object. Its times and its key are checked each time. That a session was
        ended, or a person disabled, is looked up by the methods of a scope and not here.

        Raises:
            InvalidToken: ``code`` says why it is refused.
            Unavailable: The issuer does not tell its keys.
        """
        try:
            return self._platform.verify_now(access_token) or self._platform.verify(access_token)
        except _native.Failure as failure:
            raise from_failure(failure) from None

    def launcher(self, host: str, *, timeout: float | None = None) -> LauncherView:
        """How the launcher of the tenant at this host looks; public.

        Args:
            host: Host name, with or without a port: ``acme.dezky.eu``.
            timeout: The most seconds that the call may take, at most 30.

        Raises:
            NotFound: No tenant lives there.
        """
        return Caller(self._platform, None, "host\n" + one_line("host", host)).call(LAUNCHER, timeout=timeout)

    def close(self) -> None:
        """Ends what runs beside the calls, waits for those under way and closes the store. Later calls raise ``Unavailable``."""
        try:
            self._platform.close()
        except _native.Failure as failure:
            raise from_failure(failure) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
