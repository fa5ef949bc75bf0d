"""What is imported is what was appended would be, each event once, chunk by chunk."""

from __future__ import annotations

import asyncio
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.database import DatabaseUnavailable, ShardDatabase
from app.events import (
    Append,
    EventStore,
    InvalidEvent,
    KeyReused,
    NewEvent,
    Slot,
    StoredEvent,
    StreamClosed,
    TotalOutOfRange,
    VersionConflict,
    WrongEpoch,
)
from app.events.bulk_import import DuplicateEvent, ImportedEvent, ImportRefused, Progress, import_events
from app.events.import_chunk import Chunk
from app.topology import Directory

from .conftest import Postgres

HERE = Slot(7, 1)
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
servers = pytest.mark.servers


@pytest.fixture
def database(admin_database: ShardDatabase) -> ShardDatabase:
    return admin_database


@pytest.fixture
def store(database: ShardDatabase) -> EventStore:
    return EventStore(database)


def here(_: str) -> Slot | None:
    return HERE


def happened(stream: str, number: int, **more: Any) -> ImportedEvent:
    data = {"number": number, "text": 'ä ☃ "quoted" \\ \n {,}'}
    return ImportedEvent(stream, NewEvent("Happened", data, number, {"actor": "tester"}), **more)


def many(count: int, streams: int = 3) -> list[ImportedEvent]:
    return [happened(f"s{number % streams}", number) for number in range(count)]


async def numbers(store: EventStore, stream: str) -> list[int]:
    events = await store.read(stream, limit=100_000)
    assert [event.version for event in events] == list(range(1, len(events) + 1))
    return [event.data["number"] for event in events]


def content(event: StoredEvent) -> Any:
    return event._replace(transaction_id=0, position=0, recorded_at=NOON, stream="")


@servers
@pytest.mark.parametrize("chunk", [1, 7, 100])
async def test_imported_streams_are_like_appended_ones(database: ShardDatabase, store: EventStore, chunk: int) -> None:
    imported = many(50)
    for each in imported:
        await store.append(Append(f"appended-{each.stream}", [each.event], slot=HERE))
    assert await import_events(database, imported, name="i", place=here, chunk=chunk) == Progress(50, 50)
    for stream in ("s0", "s1", "s2"):
        ours, theirs = await store.read(stream), await store.read(f"appended-{stream}")
        assert list(map(content, ours)) == list(map(content, theirs))
        assert await store.head(stream) == await store.head(f"appended-{stream}")


@servers
async def test_streams_go_on_before_and_after(database: ShardDatabase, store: EventStore) -> None:
    await store.append(Append("s0", [happened("s0", 100).event], slot=HERE))
    await import_events(database, many(6), name="i", place=here)
    appended = await store.append(Append("s0", [happened("s0", 200).event], slot=HERE, expected_version=3))
    assert (appended.version, appended.total) == (4, 303)
    assert await numbers(store, "s0") == [100, 0, 3, 200]


@servers
async def test_what_an_event_brings_along_is_kept(database: ShardDatabase, store: EventStore) -> None:
    due = [NOON + timedelta(days=days) for days in (3, 1, 2)]
    events = [happened("s", number, recorded_at=NOON - timedelta(hours=5), due=each) for number, each in enumerate(due)]
    await import_events(database, [*events, happened("s", 3)], name="i", place=here, now=lambda: NOON)
    stored = await store.read("s")
    assert [event.recorded_at for event in stored] == [NOON - timedelta(hours=5)] * 3 + [NOON]
    head = await store.head("s")
    assert head is not None
    assert head.due == NOON + timedelta(days=1)


@servers
async def test_events_of_other_shards_are_passed_over(database: ShardDatabase, store: EventStore) -> None:
    def place(stream: str) -> Slot | None:
        return HERE if stream == "s1" else None

    assert await import_events(database, many(9), name="i", place=place, chunk=2) == Progress(9, 3)
    assert await numbers(store, "s1") == [1, 4, 7]
    assert await store.head("s0") is None


@servers
async def test_a_finished_import_does_nothing_when_repeated(database: ShardDatabase, store: EventStore) -> None:
    await import_events(database, many(10), name="i", place=here, chunk=4)
    assert await import_events(database, many(10), name="i", place=here, chunk=3) == Progress(10, 0)
    assert await numbers(store, "s0") == [0, 3, 6, 9]


@servers
@pytest.mark.parametrize("fails_at", [0, 4, 5, 9])
async def test_an_import_goes_on_behind_its_last_whole_chunk(
    database: ShardDatabase, store: EventStore, fails_at: int
) -> None:
    class Broken(Exception):
        pass

    def broken() -> Iterator[ImportedEvent]:
        for number, each in enumerate(many(12)):
            if number == fails_at:
                raise Broken
            yield each

    seen: list[Progress] = []
    with pytest.raises(Broken):
        await import_events(database, broken(), name="i", place=here, chunk=4, progress=seen.append)
    whole = fails_at // 4 * 4
    assert seen == [Progress(position, position) for position in range(4, whole + 1, 4)]
    assert await import_events(database, many(12), name="i", place=here, chunk=4) == Progress(12, 12 - whole)
    assert sorted([*await numbers(store, "s0"), *await numbers(store, "s1"), *await numbers(store, "s2")]) == [
        *range(12)
    ]


@servers
async def test_a_lost_connection_leaves_whole_chunks_only(
    database: ShardDatabase, store: EventStore, postgres: Postgres, migrated: Directory
) -> None:
    def cut() -> Iterator[ImportedEvent]:
        for number, each in enumerate(many(40)):
            if number == 25:
                with postgres.as_operator(migrated.shards[0].database) as connection:
                    connection.execute(
                        "select pg_terminate_backend(pid) from pg_stat_activity "
                        "where datname = current_database() and pid <> pg_backend_pid()"
                    )
            yield each

    with pytest.raises(DatabaseUnavailable):
        await import_events(database, cut(), name="i", place=here, chunk=10)
    assert await import_events(database, many(40), name="i", place=here, chunk=10) == Progress(40, 20)
    assert sorted(await numbers(store, "s0")) == list(range(0, 40, 3))


@servers
async def test_of_two_processes_with_the_same_import_one_is_refused(database: ShardDatabase, store: EventStore) -> None:
    outcomes = await asyncio.gather(
        *(import_events(database, many(200), name="i", place=here, chunk=10) for _ in range(2)), return_exceptions=True
    )
    refused = [each for each in outcomes if isinstance(each, BaseException)]
    assert all(isinstance(each, ImportRefused) and "another process" in str(each) for each in refused)
    assert sorted(await numbers(store, "s0")) == list(range(0, 200, 3))


@servers
@pytest.mark.parametrize(
    ("bad", "cause", "reason"),
    [
        (happened("s0", 1, version=99), VersionConflict, "s0 is at version 1, not 98"),
        (happened("s0", 1, idempotency_key="used"), DuplicateEvent, "already exists"),
        (happened("closed", 1), StreamClosed, "closed is closed"),
        (happened("s0", 1, recorded_at=datetime(2026, 5, 1)), InvalidEvent, "no time zone"),
        (happened("s0", 1, due=datetime(2026, 5, 1)), InvalidEvent, "no time zone"),
        (happened("bad\x00name", 1), InvalidEvent, "control characters"),
        (happened("", 1), InvalidEvent, "1 to 255 bytes"),
        (ImportedEvent("s0", NewEvent("not a type", {})), InvalidEvent, "type"),
        (ImportedEvent("s0", NewEvent("Happened", {"a": object()})), InvalidEvent, "not JSON"),
        (ImportedEvent("s0", NewEvent("Happened", {}, 0, {"a": object()})), InvalidEvent, "not JSON"),
        (ImportedEvent("s0", NewEvent("Happened", {"a": "x" * 70_000})), InvalidEvent, "bytes"),
        (ImportedEvent("s0", NewEvent("Happened", {}, schema_version=0)), InvalidEvent, "schema version"),
        (ImportedEvent("s0", NewEvent("Happened", {}, 2**63)), InvalidEvent, "no bigint"),
        (ImportedEvent("s0", NewEvent("Happened", {}, 2**63 - 1)), TotalOutOfRange, "range of a bigint"),
        (ImportedEvent("elsewhere", NewEvent("Happened", {})), WrongEpoch, "slot 7 of elsewhere is here in epoch 1"),
    ],
)
async def test_a_chunk_with_something_wrong_is_not_stored_at_all(
    database: ShardDatabase, store: EventStore, bad: ImportedEvent, cause: type[Exception], reason: str
) -> None:
    await store.append(Append("s0", [happened("s0", 50).event], slot=HERE, idempotency_key="used"))
    await store.append(Append("closed", [NewEvent("Closed", {})], slot=HERE, closes=True))

    def place(stream: str) -> Slot | None:
        return Slot(7, 2) if stream == "elsewhere" else HERE

    events = [happened("s1", 1), happened("s2", 2), bad, happened("s2", 3)]
    with pytest.raises(ImportRefused, match=reason) as refusal:
        await import_events(database, events, name="i", place=place, chunk=3)
    assert isinstance(refusal.value.__cause__, cause)
    assert refusal.value.position == 0
    assert [await store.head(stream) for stream in ("s1", "s2")] == [None, None]
    head = await store.head("s0")
    assert head is not None
    assert (head.version, head.total) == (1, 50)
    events[2] = happened("s0", 1)
    assert await import_events(database, events, name="i", place=place, chunk=3) == Progress(4, 4)


@servers
async def test_a_key_of_an_imported_event_answers_the_request_it_belongs_to(
    database: ShardDatabase, store: EventStore
) -> None:
    await import_events(database, [happened("s", 1, idempotency_key="k"), happened("s", 2)], name="i", place=here)
    again = await store.append(Append("s", [happened("s", 1).event], slot=HERE, idempotency_key="k"))
    assert (again.repeated, again.version, again.total) == (True, 1, 1)
    with pytest.raises(KeyReused):
        await store.append(Append("s", [happened("s", 3).event], slot=HERE, idempotency_key="k"))


@servers
async def test_writers_at_the_same_time_wait_and_lose_nothing(database: ShardDatabase, store: EventStore) -> None:
    async def write() -> None:
        for number in range(1000, 1040):
            await store.append(Append("s0", [happened("s0", number).event], slot=HERE))

    await asyncio.gather(write(), import_events(database, many(120), name="i", place=here, chunk=10))
    assert sorted(await numbers(store, "s0")) == [*range(0, 120, 3), *range(1000, 1040)]


@servers
async def test_a_tail_meets_imported_events_in_the_order_of_their_streams(database: ShardDatabase) -> None:
    await import_events(database, many(30), name="i", place=here, chunk=7)
    rows = await database.rows("select stream, version from events order by transaction_id, position", {})
    assert rows == [(f"s{number % 3}", number // 3 + 1) for number in range(30)]


@servers
async def test_the_app_may_not_import(database: ShardDatabase, postgres: Postgres, migrated: Directory) -> None:
    import psycopg

    class AsTheApp:
        @asynccontextmanager
        async def dedicated(self) -> AsyncIterator[Any]:
            parameters = postgres.connect(migrated.shards[0].database, "ledger").info.get_parameters()
            async with await psycopg.AsyncConnection.connect(**parameters, autocommit=True) as connection:
                yield connection

    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await import_events(AsTheApp(), many(3), name="i", place=here)


@servers
async def test_an_operator_may_import(database: ShardDatabase, store: EventStore) -> None:
    class AsOperator:
        @asynccontextmanager
        async def dedicated(self) -> AsyncIterator[Any]:
            async with database.dedicated() as connection:
                await connection.execute("grant ledger_operator to current_user with set true")
                await connection.execute("set role ledger_operator")
                yield connection

    assert await import_events(AsOperator(), many(9), name="i", place=here) == Progress(9, 9)
    assert await numbers(store, "s0") == [0, 3, 6]


@servers
async def test_memory_is_that_of_a_chunk_however_long_the_input_is(database: ShardDatabase) -> None:
    async def peak(count: int) -> int:
        events = (happened(f"s{number % 3}", number) for number in range(count))
        tracemalloc.start()
        try:
            await import_events(database, events, name=str(count), place=here, chunk=500)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    await peak(500)  # what is loaded once
    assert await peak(10_000) < 1.5 * await peak(1_000)


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(-(2**40), 2**40)), min_size=1, max_size=30),
    st.dictionaries(st.sampled_from("abc"), st.tuples(st.integers(0, 2**40), st.integers(-(2**40), 2**40))),
)
def test_versions_and_totals_go_on_where_streams_ended(changes: list[tuple[str, int]], heads: Any) -> None:
    chunk = Chunk([ImportedEvent(stream, NewEvent("E", {}, change)) for stream, change in changes], here)
    streams = list(dict.fromkeys(stream for stream, _ in changes))
    chunk.begin([(number, "ready", *heads.get(stream, (0, 0))) for number, stream in enumerate(streams, 1)])
    rows = parsed(b"".join(chunk.pieces(NOON)))
    expected = {stream: list(heads.get(stream, (0, 0))) for stream in streams}
    for (stream, change), row in zip(changes, rows, strict=True):
        expected[stream][0] += 1
        expected[stream][1] += change
        assert row[:2] == [stream.encode(), expected[stream][0]]
        assert row[5:7] == [change, expected[stream][1]]


def parsed(data: bytes) -> list[list[Any]]:
    """Rows of the binary format, numbers as numbers."""
    assert data[:11] == b"PGCOPY\n\xff\r\n\0"
    place, rows = 19, []
    while data[place : place + 2] != b"\xff\xff":
        columns, place, row = int.from_bytes(data[place : place + 2]), place + 2, []
        for column in range(columns):
            length, place = int.from_bytes(data[place : place + 4], signed=True), place + 4
            value = None if length < 0 else data[place : place + length]
            row.append(int.from_bytes(value, signed=True) if value is not None and 0 < column < 7 else value)
            place += max(length, 0)
        rows.append(row)
    assert place + 2 == len(data)
    return rows
