"""Subscriptions: caught up, then live; woken by notices, by polling where none come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from app.background import Background, Worker
from app.database import DatabaseUnavailable, ShardDatabase
from app.events import START, Append, EventStore, NewEvent, Notifier, Slot, StoredEvent, Subscription, Tail, Wakeup
from app.topology import Directory
from tests.waiting import until

from .conftest import Postgres, opened_database

HERE = Slot(7, 1)
NEVER = 1000.0


@pytest.fixture
async def database(migrated: Directory) -> AsyncIterator[ShardDatabase]:
    async with opened_database(migrated) as database:
        yield database


@pytest.fixture
def tail(database: ShardDatabase) -> Tail:
    return Tail(database)


@pytest.fixture
async def store(database: ShardDatabase) -> AsyncIterator[EventStore]:
    notifier = Notifier(database)
    yield EventStore(database, stored=notifier)
    await notifier.close()


async def append(store: EventStore, stream: str, count: int = 1) -> None:
    await store.append(Append(stream, [NewEvent("Happened", {})] * count, slot=HERE))


async def take(batches: Subscription, count: int) -> list[StoredEvent]:
    found: list[StoredEvent] = []
    async with asyncio.timeout(20):
        while len(found) < count:
            found += await anext(batches)
    return found


@pytest.mark.servers
async def test_a_subscription_goes_on_from_a_cursor_and_stays_live(store: EventStore, tail: Tail) -> None:
    await append(store, "s", 5)
    [first, *_] = await tail.page(START)
    async with Subscription(tail, after=first.cursor, limit=3, poll_seconds=0.01) as batches:
        assert [event.version for event in await take(batches, 4)] == [2, 3, 4, 5]
        waiting = asyncio.create_task(take(batches, 2))
        await append(store, "s", 2)
        assert [event.version for event in await waiting] == [6, 7]
        kept = batches.cursor
    async with Subscription(tail, after=kept, poll_seconds=0.01) as batches:
        await append(store, "s")
        assert [event.version for event in await take(batches, 1)] == [8]


@pytest.mark.servers
async def test_a_notice_wakes_a_reader_that_never_polls_also_over_a_new_connection(
    store: EventStore, tail: Tail, database: ShardDatabase, postgres: Postgres
) -> None:
    wakeup = Wakeup(database)
    async with (
        Background([Worker("wakeup", wakeup.run)], first_wait_seconds=0.01) as background,
        Subscription(tail, wakeup=wakeup, poll_seconds=NEVER) as batches,
    ):
        for turn in range(3):
            waiting = asyncio.create_task(take(batches, 1))
            with postgres.as_operator(database.shard.database) as connection:
                await until_listening(connection)
                await append(store, f"s{turn}")
                assert [event.stream for event in await waiting] == [f"s{turn}"]
                connection.execute("select pg_terminate_backend(pid) from pg_stat_activity where query like 'listen%'")
        await until(lambda: background.states["wakeup"].failures >= 3, "the third failure")


async def until_listening(connection: Any) -> None:
    listening = "select count(*) from pg_stat_activity where query = 'listen events' and state = 'idle'"
    await until(lambda: connection.execute(listening).fetchone() == (1,), "an idle listener")


@pytest.mark.servers
async def test_a_subscription_that_waits_can_be_closed(tail: Tail) -> None:
    batches = Subscription(tail, poll_seconds=NEVER)

    async def read() -> list[list[StoredEvent]]:
        return [batch async for batch in batches]

    reading = asyncio.create_task(read())
    await asyncio.sleep(0.1)
    batches.close()
    async with asyncio.timeout(20):
        assert await reading == []


class Pages:
    """A database that fails at will."""

    def __init__(self, pages: list[list[Any] | Exception]) -> None:
        self._pages = pages

    async def rows(self, statement: str, parameters: Mapping[str, Any]) -> list[Any]:
        page = self._pages.pop(0)
        if isinstance(page, Exception):
            raise page
        return page


def row(position: int) -> tuple[Any, ...]:
    return ("s", position, 5, position, "Happened", 1, "{}", "{}", 0, 0, None)


async def test_an_error_leaves_the_cursor_where_it_was() -> None:
    batches = Subscription(Tail(Pages([[row(1)], DatabaseUnavailable("aws-0", "gone"), [row(2)]])))
    assert [event.position for event in await anext(batches)] == [1]
    with pytest.raises(DatabaseUnavailable):
        await anext(batches)
    assert batches.cursor == (5, 1)
    assert [event.position for event in await anext(batches)] == [2]


class Slow:
    """Notices that wait until they are let go."""

    def __init__(self) -> None:
        self.sent = 0
        self.under_way = 0
        self.gate = asyncio.Semaphore(0)

    async def rows(self, statement: str, parameters: Mapping[str, Any]) -> list[Any]:
        self.under_way += 1
        assert self.under_way == 1
        await self.gate.acquire()
        self.under_way -= 1
        self.sent += 1
        return []


async def test_notices_share_one_that_is_to_come() -> None:
    slow = Slow()
    notifier = Notifier(slow, apart_seconds=0)
    for _ in range(100):
        notifier()
        await asyncio.sleep(0)
    assert slow.sent == 0
    for _ in range(10):
        slow.gate.release()
    async with asyncio.timeout(20):
        while slow.sent < 2 or slow.under_way:
            await asyncio.sleep(0)
    for _ in range(10):
        await asyncio.sleep(0)
    assert slow.sent == 2  # the one under way, and one for all that came meanwhile
    notifier()
    async with asyncio.timeout(20):
        while slow.sent < 3:
            await asyncio.sleep(0)
    await notifier.close()


async def test_a_notice_that_fails_is_no_error_of_the_writer() -> None:
    left: list[list[Any] | Exception] = [DatabaseUnavailable("aws-0", "gone"), []]
    notifier = Notifier(Pages(left), apart_seconds=0)
    notifier()
    await until(lambda: len(left) == 1, "the first notice")
    await asyncio.sleep(0)  # the task that failed ends
    notifier()
    await until(lambda: not left, "the second notice")
    await notifier.close()
