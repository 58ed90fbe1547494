"""The same on asyncio: calls do not queue behind each other, end when their tasks do, and leave the loop free."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from conftest import World
from dezky import AsyncDezky, Conflict, Invalid, InvalidToken, NotFound, Scope, Unavailable, entity_tag

HOLD = """
import sqlite3, sys
other = sqlite3.connect(sys.argv[1], isolation_level=None)
other.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.read()
other.execute("ROLLBACK")
"""


@contextlib.contextmanager
def held(world: World) -> Iterator[None]:
    """Another process holds the store's lock for writing: it must be another, whose SQLite is not in this one."""
    command = [sys.executable, "-c", HOLD, world.options["store"].removeprefix("sqlite:")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        try:
            yield
        finally:
            other.stdin.close()
            other.wait(30)


@pytest_asyncio.fixture
async def opened(world: World) -> AsyncIterator[AsyncDezky]:
    async with AsyncDezky.open(**world.options) as dezky:
        yield dezky


async def test_every_use_case_is_asynchronous_too(opened: AsyncDezky, world: World, fresh: str) -> None:
    system = opened.as_system("test")
    anna = opened.as_user(world.people["anna"]["token"])
    assert (await anna.me()).user.name == "Anna Example"
    tenant = await system.tenants.create(slug=fresh, name="One", status="active")
    changed = await system.tenants.update(fresh, name="Two", if_match=tenant)
    assert entity_tag(changed) != entity_tag(tenant)
    await system.members.grant(fresh, user_id=world.people["anna"]["id"], role="owner")
    assert [member.name async for member in system.members.list(fresh)] == ["Anna Example"]
    assert (await system.rights(world.people["anna"]["id"], fresh)).role == "owner"
    assert [len(page.items) async for page in system.audit.list(tenant=fresh, limit=2).pages()] == [2, 1]
    page = await system.tenants.list(search="two", limit=1).page()
    assert page.items[0].slug == fresh
    await system.tenants.delete(fresh)
    assert (await opened.launcher("dezky.dezky.test")).slug == "dezky"
    assert (await opened.verify(world.people["anna"]["token"])).subject == "anna"


async def test_errors_are_the_same_classes(opened: AsyncDezky) -> None:
    with pytest.raises(InvalidToken):
        await opened.as_user("no-token").me()
    with pytest.raises(NotFound):
        await opened.as_system("test").tenants.get("nowhere")
    with pytest.raises(Invalid):
        opened.as_system("seed")
    with pytest.raises(Invalid):
        await opened.as_system("test").tenants.get("nowhere", timeout=-1)


async def test_keys_are_fetched_without_holding_the_loop(world: World) -> None:
    options = {**world.options, "store": f"sqlite:{world.folder}/async-empty.sqlite"}
    async with AsyncDezky.open(**options) as other:
        assert (await other.verify(world.people["anna"]["token"])).subject == "anna"


async def test_the_loop_turns_while_hundreds_of_durable_writes_are_made(opened: AsyncDezky, fresh: str) -> None:
    system = opened.as_system("test")
    turns = 0
    writing = True

    async def turn() -> None:
        nonlocal turns
        while writing:
            turns += 1
            await asyncio.sleep(0)

    turning = asyncio.create_task(turn())
    await asyncio.gather(*(system.tenants.create(slug=f"{fresh}-{n}", name="Loop") for n in range(400)))
    writing = False
    await turning
    # Calls that blocked the loop would all be made before it turns for the first time.
    assert turns >= 20, turns


async def test_calls_do_not_queue_behind_each_other(opened: AsyncDezky, world: World, fresh: str) -> None:
    """While 200 writes wait for a lock that another process holds, 200 reads are answered; then all writes are made."""
    system = opened.as_system("test")
    with held(world):
        writes = [asyncio.create_task(system.tenants.create(slug=f"{fresh}-{n}", name="Queue")) for n in range(200)]
        reads = await asyncio.gather(*(system.tenants.get("dezky") for _ in range(200)))
        assert {tenant.slug for tenant in reads} == {"dezky"}
        assert not any(write.done() for write in writes)
    assert len({tenant.id for tenant in await asyncio.gather(*writes)}) == 200


async def test_a_cancelled_call_is_done_or_not_and_never_half(opened: AsyncDezky, system: Scope, fresh: str) -> None:
    writer = opened.as_system("test")
    ended = 0
    for n in range(50):
        slug = f"{fresh}-{n}"
        task = asyncio.create_task(writer.tenants.create(slug=slug, name="Cancelled"))
        for _ in range(n % 5):
            await asyncio.sleep(0)
        task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            ended += 1
        try:
            there = system.tenants.get(slug)
        except NotFound:
            continue
        assert [event.action for event in system.audit.list(tenant=there.id)] == ["tenant.create"]
    assert ended > 0


async def test_a_call_ends_with_its_time(opened: AsyncDezky, world: World, system: Scope, fresh: str) -> None:
    writer = opened.as_system("test")
    with held(world):
        with pytest.raises(Unavailable) as late:
            await writer.tenants.create(slug=fresh, name="Late", timeout=0.05)
        assert (late.value.code, late.value.retryable) == ("timeout", True)
        with pytest.raises(Unavailable):
            system.tenants.create(slug=f"{fresh}-too", name="Late", timeout=0.05)
    with contextlib.suppress(Conflict):  # All of the first one may have happened after all.
        await writer.tenants.create(slug=fresh, name="In time", timeout=30)
    assert system.tenants.get(fresh).slug == fresh


async def test_what_is_closed_says_so(world: World) -> None:
    other = AsyncDezky.open(**world.options)
    await other.close()
    await other.close()
    with pytest.raises(Unavailable) as raised:
        await other.as_user(world.people["anna"]["token"]).me()
    assert raised.value.code == "closed"


async def test_closing_waits_for_what_is_under_way(world: World, system: Scope, fresh: str) -> None:
    other = AsyncDezky.open(**world.options)
    writer = other.as_system("test")
    slugs = [f"{fresh}-{n}" for n in range(20)]
    calls = [asyncio.ensure_future(writer.tenants.create(slug=slug, name="Closing")) for slug in slugs]
    await asyncio.sleep(0)  # They have begun.
    await other.close()
    made = await asyncio.gather(*calls)
    assert [tenant.slug for tenant in made] == slugs
    for slug in slugs:
        assert system.tenants.get(slug).slug == slug
