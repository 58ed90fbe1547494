"""Many calls under way from synchronous and asynchronous code: their order, their errors, and what is left undone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from conftest import World
from dezky import AsyncDezky, Conflict, Dezky, DezkyError, Invalid, NotFound, Scope, TenantView


def test_each_call_gives_its_result_or_its_error_in_order(system: Scope, fresh: str) -> None:
    slugs = [f"{fresh}-{n}" for n in range(100)]
    calls: list[dict[str, Any]] = [{"slug": slug, "name": "Each"} for slug in slugs]
    calls[50] = {"slug": slugs[3], "name": "Taken"}
    calls[20] = {"slug": "A", "name": "Wrong"}
    outcomes = list(system.each(system.tenants.create, calls, concurrency=16))
    assert len(outcomes) == len(calls)
    assert isinstance(outcomes[50], Conflict)
    assert isinstance(outcomes[20], Invalid)
    made = [outcome for outcome in outcomes if isinstance(outcome, TenantView)]
    assert [tenant.slug for tenant in made] == [slug for n, slug in enumerate(slugs) if n not in (20, 50)]


def test_each_takes_every_method_that_gives_one_answer(world: World, system: Scope, fresh: str) -> None:
    system.tenants.create(slug=fresh, name="Each", status="active")
    person = world.people["anna"]["id"]
    got = list(system.each(system.tenants.get, [{"tenant": fresh}, {"tenant": "nowhere"}, {"tenant": ""}]))
    assert isinstance(got[0], TenantView)
    assert isinstance(got[1], NotFound)
    assert isinstance(got[2], Invalid)
    (granted,) = system.each(system.members.grant, [{"tenant": fresh, "user_id": person, "role": "admin"}])
    assert not isinstance(granted, DezkyError)
    assert granted.role == "admin"
    assert list(system.each(system.members.revoke, [{"tenant": fresh, "user": person}])) == [None]
    with pytest.raises(TypeError):
        system.each(system.tenants.list, [{}])
    with pytest.raises(TypeError):
        system.each(len, [{}])
    with pytest.raises(ValueError, match="concurrency"):
        system.each(system.tenants.get, [], concurrency=0)
    with pytest.raises(TypeError):
        list(system.each(system.tenants.get, [{"nobody": "knows"}]))


def test_no_more_is_read_than_is_under_way_and_who_looks_no_further_ends_it(system: Scope, fresh: str) -> None:
    read = 0

    def calls() -> Iterator[dict[str, str]]:
        nonlocal read
        for read in range(1, 1001):
            yield {"slug": f"{fresh}-{read}", "name": "Read"}

    outcomes = system.each(system.tenants.create, calls(), concurrency=8)
    assert isinstance(next(outcomes), TenantView)
    assert read == 8
    assert isinstance(next(outcomes), TenantView)
    assert read == 9
    outcomes.close()  # type: ignore[attr-defined]
    for n in range(1, 9):
        # All of it has happened or nothing.
        try:
            there = system.tenants.get(f"{fresh}-{n}")
        except NotFound:
            continue
        assert [event.action for event in system.audit.list(tenant=there.slug)] == ["tenant.create"]
    with pytest.raises(NotFound):
        system.tenants.get(f"{fresh}-10")


async def test_each_of_asynchronous_calls(world: World, fresh: str) -> None:
    async with AsyncDezky.open(**world.options) as dezky:
        system = dezky.as_system("test")
        calls = [{"slug": f"{fresh}-{n % 40}", "name": "Each"} for n in range(50)]
        outcomes = [outcome async for outcome in system.each(system.tenants.create, calls, concurrency=16)]
        assert [type(outcome) for outcome in outcomes] == [TenantView] * 40 + [Conflict] * 10


def test_a_scope_may_be_used_from_several_threads(dezky: Dezky, fresh: str) -> None:
    from concurrent.futures import ThreadPoolExecutor

    def make(n: int) -> str:
        return dezky.as_system(f"thread-{n}").tenants.create(slug=f"{fresh}-{n}", name="Thread").slug

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(make, range(64))) == sorted(f"{fresh}-{n}" for n in range(64))
