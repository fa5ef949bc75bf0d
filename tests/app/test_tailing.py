"""Reading all events of a shard in order: none is skipped, whatever is under way."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import psycopg
import pytest

from app.database import ShardDatabase
from app.events import START, Append, Cursor, EventStore, NewEvent, Slot, StoredEvent, Tail
from app.events.append import parameters_of
from app.queries import query
from app.topology import Directory

from .conftest import Postgres, opened_database

pytestmark = pytest.mark.servers

HERE = Slot(7, 1)


@pytest.fixture
async def database(migrated: Directory) -> AsyncIterator[ShardDatabase]:
    async with opened_database(migrated, size=8, seconds=20) as database:
        yield database


@pytest.fixture
def store(database: ShardDatabase) -> EventStore:
    return EventStore(database)


@pytest.fixture
def tail(database: ShardDatabase) -> Tail:
    return Tail(database)


@pytest.fixture
def operator(postgres: Postgres, database: ShardDatabase) -> Iterator[psycopg.Connection[Any]]:
    with postgres.as_operator(database.shard.database) as connection:
        yield connection


def events(count: int) -> list[NewEvent]:
    return [NewEvent("Happened", {"number": number}) for number in range(count)]


async def append_in(connection: psycopg.AsyncConnection[Any], stream: str, count: int = 1) -> None:
    """Append within the connection's transaction."""
    asked = Append(stream, events(count), slot=HERE)
    [row] = await (await connection.execute(query("events.append"), parameters_of([asked], None))).fetchall()
    assert row[1] == "stored"


async def read_all(tail: Tail, *, limit: int, after: Cursor = START) -> list[StoredEvent]:
    found: list[StoredEvent] = []
    while page := await tail.page(after, limit=limit):
        assert len(page) <= limit
        found += page
        after = page[-1].cursor
    return found


def named(found: list[StoredEvent]) -> list[tuple[str, int]]:
    return [(event.stream, event.version) for event in found]


async def test_pages_hold_every_event_once_in_order(store: EventStore, tail: Tail) -> None:
    for number in range(6):
        await store.append(Append(f"s{number % 3}", events(1 + number), slot=HERE))
    whole = await read_all(tail, limit=1000)
    assert len(whole) == 21
    assert [event.cursor for event in whole] == sorted({event.cursor for event in whole})
    for stream in ("s0", "s1", "s2"):
        assert [event for event in whole if event.stream == stream] == await store.read(stream)
    for limit in (1, 2, 5, 21):
        assert await read_all(tail, limit=limit) == whole
    assert await read_all(tail, limit=3, after=whole[10].cursor) == whole[11:]


async def test_what_commits_late_is_waited_for(database: ShardDatabase, store: EventStore, tail: Tail) -> None:
    await store.append(Append("before", events(1), slot=HERE))
    async with database.connection() as slow:
        async with slow.transaction():
            await append_in(slow, "slow")
            await store.append(Append("quick", events(1), slot=HERE))
            seen = await tail.page(START)
            assert named(seen) == [("before", 1)]
            lag = await tail.lag()
            assert lag.writing_seconds > 0
            assert lag.waiting_seconds > 0
            assert lag.oldest_transaction_id < lag.next_transaction_id
        rest = await read_all(tail, limit=10, after=seen[-1].cursor)
    assert named(rest) == [("slow", 1), ("quick", 1)]
    assert (await tail.lag())[2:] == (0, 0, 0)


async def test_a_prepared_transaction_holds_the_tail_and_is_seen(
    database: ShardDatabase, store: EventStore, tail: Tail, operator: psycopg.Connection[Any]
) -> None:
    async with database.connection() as connection:
        await connection.execute("begin")
        await append_in(connection, "prepared")
        await connection.execute("prepare transaction 'held'")
    try:
        await store.append(Append("quick", events(1), slot=HERE))
        assert await tail.page(START) == []
        assert (await tail.lag()).prepared_seconds > 0
    finally:
        async with database.connection() as connection:
            await connection.execute("commit prepared 'held'")
    assert named(await read_all(tail, limit=10)) == [("prepared", 1), ("quick", 1)]


async def test_what_was_rolled_back_leaves_a_hole_and_no_event(
    database: ShardDatabase, store: EventStore, tail: Tail
) -> None:
    async with database.connection() as connection, connection.transaction(force_rollback=True):
        await append_in(connection, "undone", 3)
    await store.append(Append("done", events(2), slot=HERE))
    assert named(await tail.page(START)) == [("done", 1), ("done", 2)]


async def test_archived_events_are_met_at_their_place(
    store: EventStore, tail: Tail, operator: psycopg.Connection[Any]
) -> None:
    for stream in ("a", "closed", "b"):
        await store.append(Append(stream, events(2), slot=HERE))
    await store.append(Append("closed", events(1), slot=HERE, closes=True))
    whole = await read_all(tail, limit=2)
    assert operator.execute("select archive_events('closed', 10)").fetchone() == (2,)
    assert operator.execute("select count(*) from events_archive").fetchone() == (2,)
    for limit in (1, 3, 1000):
        assert await read_all(tail, limit=limit) == whole


async def test_a_page_reads_no_more_rows_than_it_holds(
    database: ShardDatabase, store: EventStore, operator: psycopg.Connection[Any]
) -> None:
    # Of one transaction, and without statistics: what makes the planner take a sort of everything for cheap.
    await store.append(Append("many", events(4000), slot=HERE))
    await asyncio.gather(*(store.append(Append(f"s{number}", events(20), slot=HERE)) for number in range(100)))
    scans = """
        select coalesce(sum(seq_scan), 0)::int, coalesce(sum(idx_tup_fetch), 0)::int
        from pg_stat_xact_user_tables where relname ~ '^events_'
    """
    [middle] = operator.execute("select transaction_id::text::bigint, position from events where version = 2000")
    for analyze in (False, True):
        if analyze:
            operator.execute("analyze events")
        with operator.transaction():
            [(sequential, fetched)] = operator.execute(scans)
            assert operator.execute("select from tail_events(%s, %s, 100)", middle).rowcount == 100
            [(sequential_after, fetched_after)] = operator.execute(scans)
        assert sequential_after == sequential
        assert fetched_after - fetched <= 100 + 9  # one row ahead in each partition and the archive


async def write_interleaved(database: ShardDatabase, writer: int, total: int) -> None:
    """Append events, ten a transaction in two statements: so positions and commits come in different orders."""
    async with database.connection() as connection:
        for number in range(total // 10):
            async with connection.transaction():
                await append_in(connection, f"a-{writer}-{number}", 5)
                await append_in(connection, f"b-{writer}-{number % 10}", 5)


Page = Callable[[list[Any]], Awaitable[list[Any]]]


async def follow(page: Page, done: asyncio.Event) -> list[Any]:
    """Read page after page until nothing comes although all is written."""
    found: list[Any] = []
    while True:
        ended = done.is_set()
        rows = await page(found)
        found += rows
        if ended and not rows:
            return found


@pytest.mark.parametrize("total", [4_000, pytest.param(50_000, marks=pytest.mark.full)])
async def test_no_event_is_skipped_under_four_writers_where_a_naive_tail_skips(
    database: ShardDatabase, tail: Tail, total: int
) -> None:
    async def by_cursor(found: list[Any]) -> list[Any]:
        return await tail.page(found[-1].cursor if found else START)

    async def by_position(found: list[Any]) -> list[Any]:
        naive = "select position from events where position > %(last)s order by position limit 1000"
        return await database.rows(naive, {"last": found[-1][0] if found else 0})

    done = asyncio.Event()
    readers = asyncio.gather(follow(by_cursor, done), follow(by_position, done))
    await asyncio.gather(*(write_interleaved(database, writer, total // 4) for writer in range(4)))
    done.set()
    ours, naive = await readers
    assert len(ours) == total
    versions: dict[str, int] = {}
    for event in ours:
        assert event.version == versions.get(event.stream, 0) + 1
        versions[event.stream] = event.version
    assert sum(versions.values()) == total
    assert len(naive) < total


async def test_an_epoch_is_a_cluster_and_its_timeline(tail: Tail, operator: psycopg.Connection[Any]) -> None:
    epoch = await tail.epoch()
    assert operator.execute("select system_identifier from pg_control_system()").fetchone() == (
        epoch.system_identifier,
    )
    assert epoch.timeline == 1


async def test_interleaved_transactions_are_read_whole(database: ShardDatabase, tail: Tail) -> None:
    """Every order of commits of three transactions with interleaved positions, a reader after each step."""
    for turn, order in enumerate(itertools.permutations(range(3))):
        found: list[StoredEvent] = []
        start = (await read_all(tail, limit=100) or [None])[-1]
        after = start.cursor if start else START

        async def read(found: list[StoredEvent] = found, after: Cursor = after) -> None:
            found += await tail.page(found[-1].cursor if found else after, limit=2)

        async with database.connection() as a, database.connection() as b, database.connection() as c:
            connections = [a, b, c]
            for connection in connections:
                await connection.execute("begin")
            for step in range(2):
                for number, connection in enumerate(connections):
                    await append_in(connection, f"{turn}-{number}-{step}")
            for number in order:
                await read()
                await connections[number].execute("commit")
            for _ in range(4):
                await read()
        assert len(set(named(found))) == len(found) == 6
