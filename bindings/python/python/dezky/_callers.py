"""Who calls, and how: at once, asynchronously, or with many calls under way."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

from . import _native
from ._documents import Document
from ._errors import DezkyError, from_failure, invalid_argument
from ._operations import Operation
from ._rights import RIGHTS, Rights

Result = TypeVar("Result")


class _Caller:
    """Who calls."""

    __slots__ = ("actor", "authorization", "platform")

    def __init__(self, platform: _native.Platform, actor: str | None, authorization: str) -> None:
        self.platform = platform
        self.actor = actor
        self.authorization = authorization

    def asked(self, user: object, tenant: object) -> tuple[str, str, str | None]:
        """What is asked about somebody's rights."""
        if self.actor is None:
            raise invalid_argument("user", "is asked about in the scope of a system actor: use `as_system`")
        if not isinstance(user, str) or not (tenant is None or isinstance(tenant, str)):
            raise invalid_argument("user", "must be an id, and the tenant an id or a slug")
        return self.actor, user, tenant


class Caller(_Caller):
    """Calls and waits."""

    __slots__ = ()

    def call(
        self,
        operation: Operation[Result],
        *places: str,
        query: Mapping[str, object] | None = None,
        body: Mapping[str, object] | None = None,
        if_match: str | Document | None = None,
        idempotency_key: str | None = None,
        timeout: float | None = None,
    ) -> Result:
        try:
            answer = self.platform.request(
                self.actor,
                operation.method,
                operation.url(places, query),
                operation.headers(self.authorization, if_match, idempotency_key),
                operation.body(body),
                timeout,
            )
        except _native.Failure as failure:
            raise from_failure(failure) from None
        return operation.result(answer)

    def rights(self, user: str, tenant: str | None) -> Rights:
        asked = self.asked(user, tenant)
        try:
            return RIGHTS.result((200, None, None, self.platform.rights(*asked).encode()))
        except _native.Failure as failure:
            raise from_failure(failure) from None


class AsyncCaller(_Caller):
    """Calls, and lets others run until the answer is there."""

    __slots__ = ()

    async def call(
        self,
        operation: Operation[Result],
        *places: str,
        query: Mapping[str, object] | None = None,
        body: Mapping[str, object] | None = None,
        if_match: str | Document | None = None,
        idempotency_key: str | None = None,
        timeout: float | None = None,
    ) -> Result:
        try:
            answer = await self.platform.request_async(
                self.actor,
                operation.method,
                operation.url(places, query),
                operation.headers(self.authorization, if_match, idempotency_key),
                operation.body(body),
                timeout,
            )
        except _native.Failure as failure:
            raise from_failure(failure) from None
        return operation.result(answer)

    async def rights(self, user: str, tenant: str | None) -> Rights:
        asked = self.asked(user, tenant)
        try:
            return RIGHTS.result((200, None, None, (await self.platform.rights_async(*asked)).encode()))
        except _native.Failure as failure:
            raise from_failure(failure) from None


class _Underway:
    """A call that was begun."""

    __slots__ = ("operation", "started")

    def __init__(self, operation: Operation[Any], started: _native.Started) -> None:
        self.operation = operation
        self.started = started

    def settle(self) -> Any:
        try:
            return self.operation.result(self.started.wait())
        except _native.Failure as failure:
            return from_failure(failure)
        except DezkyError as error:
            return error


class _Starter(_Caller):
    """Calls, and gives back what is under way instead of its result."""

    __slots__ = ()

    def call(
        self,
        operation: Operation[Any],
        *places: str,
        query: Mapping[str, object] | None = None,
        body: Mapping[str, object] | None = None,
        if_match: str | Document | None = None,
        idempotency_key: str | None = None,
        timeout: float | None = None,
    ) -> Any:
        started = self.platform.start(
            self.actor,
            operation.method,
            operation.url(places, query),
            operation.headers(self.authorization, if_match, idempotency_key),
            operation.body(body),
            timeout,
        )
        return _Underway(operation, started)

    def rights(self, user: str, tenant: str | None) -> Any:
        return _Underway(RIGHTS, self.platform.start_rights(*self.asked(user, tenant)))


def starting(method: Callable[..., Any]) -> Callable[..., Any]:
    """The same method of a scope, which gives back what is under way."""
    owner = getattr(method, "__self__", None)
    caller = getattr(owner, "_caller", None)
    if owner is None or not isinstance(caller, Caller) or method.__name__ in ("list", "each"):
        raise TypeError("the method must be one of a scope that gives one answer, such as `scope.tenants.create`")
    starter = _Starter(caller.platform, caller.actor, caller.authorization)
    begun: Callable[..., Any] = getattr(type(owner)(starter), method.__name__)
    return begun


def each(
    method: Callable[..., Result], calls: Iterable[Mapping[str, Any]], concurrency: int
) -> Iterator[Result | DezkyError]:
    """What every call gave, in their order."""
    begin = starting(method)
    if concurrency < 1:
        raise ValueError("concurrency must be at least 1")
    underway: deque[_Underway | DezkyError] = deque()

    def settle() -> Any:
        first = underway.popleft()
        return first if isinstance(first, DezkyError) else first.settle()

    def outcomes() -> Iterator[Result | DezkyError]:
        # Who looks no further drops what is under way, which ends it.
        for arguments in calls:
            try:
                underway.append(begin(**arguments))
            except _native.Failure as failure:
                underway.append(from_failure(failure))
            except DezkyError as error:
                underway.append(error)
            if len(underway) >= concurrency:
                yield settle()
        while underway:
            yield settle()

    return outcomes()


async def each_async(
    method: Callable[..., Awaitable[Result]], calls: Iterable[Mapping[str, Any]], concurrency: int
) -> AsyncIterator[Result | DezkyError]:
    """What every call gave, in their order."""
    if concurrency < 1:
        raise ValueError("concurrency must be at least 1")
    underway: deque[asyncio.Task[Result | DezkyError]] = deque()

    async def settled(arguments: Mapping[str, Any]) -> Result | DezkyError:
        try:
            return await method(**arguments)
        except DezkyError as error:
            return error

    try:
        for arguments in calls:
            underway.append(asyncio.create_task(settled(arguments)))
            if len(underway) >= concurrency:
                yield await underway.popleft()
        while underway:
            yield await underway.popleft()
    finally:
        # Who looks no further ends what is under way.
        for task in underway:
            task.cancel()
        await asyncio.gather(*underway, return_exceptions=True)
