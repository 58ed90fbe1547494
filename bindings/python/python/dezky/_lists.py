"""Lists that page by themselves."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Generic, TypeVar

from ._callers import AsyncCaller, Caller
from ._documents import Page
from ._operations import Operation

Item = TypeVar("Item")

_MOST = 200
"""As many items as a page may have: fewer pages are faster."""


def _query_of(query: Mapping[str, object], cursor: str | None) -> dict[str, object]:
    limit, begin = query.get("limit"), query.get("cursor")
    return {**query, "limit": _MOST if limit is None else limit, "cursor": begin if cursor is None else cursor}


class Listing(Generic[Item]):
    """A list: all its items, page by page as they are asked for (``for item in …``), or single pages of it.

    Each iteration begins anew and sees what is stored then.
    """

    __slots__ = ("_caller", "_operation", "_places", "_query", "_timeout")

    def __init__(
        self,
        caller: Caller,
        operation: Operation[Page[Item]],
        *places: str,
        query: Mapping[str, object],
        timeout: float | None,
    ) -> None:
        self._caller = caller
        self._operation = operation
        self._places = places
        self._query = query
        self._timeout = timeout

    def __iter__(self) -> Iterator[Item]:
        for page in self.pages():
            yield from page.items

    def page(self, cursor: str | None = None) -> Page[Item]:
        """One page: that which begins at ``cursor``, the ``next_cursor`` of another, or the first one."""
        query = _query_of(self._query, cursor)
        return self._caller.call(self._operation, *self._places, query=query, timeout=self._timeout)

    def pages(self) -> Iterator[Page[Item]]:
        """Page by page, as they are asked for."""
        query = _query_of(self._query, None)
        while True:
            page = self._caller.call(self._operation, *self._places, query=query, timeout=self._timeout)
            yield page
            if page.next_cursor is None:
                return
            query["cursor"] = page.next_cursor


class AsyncListing(Generic[Item]):
    """A list: all its items, page by page as they are asked for (``async for item in …``), or single pages of it.

    Each iteration begins anew and sees what is stored then.
    """

    __slots__ = ("_caller", "_operation", "_places", "_query", "_timeout")

    def __init__(
        self,
        caller: AsyncCaller,
        operation: Operation[Page[Item]],
        *places: str,
        query: Mapping[str, object],
        timeout: float | None,
    ) -> None:
        self._caller = caller
        self._operation = operation
        self._places = places
        self._query = query
        self._timeout = timeout

    async def __aiter__(self) -> AsyncIterator[Item]:
        async for page in self.pages():
            for item in page.items:
                yield item

    async def page(self, cursor: str | None = None) -> Page[Item]:
        """One page: that which begins at ``cursor``, the ``next_cursor`` of another, or the first one."""
        query = _query_of(self._query, cursor)
        return await self._caller.call(self._operation, *self._places, query=query, timeout=self._timeout)

    async def pages(self) -> AsyncIterator[Page[Item]]:
        """Page by page, as they are asked for."""
        query = _query_of(self._query, None)
        while True:
            page = await self._caller.call(self._operation, *self._places, query=query, timeout=self._timeout)
            yield page
            if page.next_cursor is None:
                return
            query["cursor"] = page.next_cursor
