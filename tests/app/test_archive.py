"""Archived events are out of the way, and yet nobody who reads can tell."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from app.database import ShardDatabase
from app.events import Append, EventStore, InvalidEvent, NewEvent, PastEvent, Slot, StreamClosed
from app.events.archive import Archived, archive
from app.topology import Directory

from .conftest import Postgres

pytestmark = pytest.mark.servers

HERE = Slot(7, 1)
ORDER = "select stream, version from all_events order by transaction_id, position"


@pytest.fixture
def database(admin_database: ShardDatabase) -> ShardDatabase:
    return admin_database


@pytest.fixture
def store(database: ShardDatabase) -> EventStore:
    return EventStore(database)


def later() -> datetime:
    return datetime.now(UTC) + timedelta(minutes=1)


async def fill(store: EventStore) -> None:
    """Two closed streams and an open one, one among the other."""
    for number in range(1, 8):
        for stream in ("closed-1", "open", "closed-2"):
            await store.append(Append(stream, [NewEvent("Happened", {"number": number}, 1)], slot=HERE))
    for stream in ("closed-1", "closed-2"):
        await store.append(Append(stream, [NewEvent("Closed", {})], slot=HERE, closes=True, idempotency_key="close"))


async def counts(database: ShardDatabase) -> dict[str, int]:
    rows = await database.rows("select stream, count(*) from events group by stream", {})
    return dict(rows)  # type: ignore[arg-type]


async def test_all_but_the_last_event_of_closed_streams_move(database: ShardDatabase, store: EventStore) -> None:
    await fill(store)
    seen: list[Archived] = []
    assert await archive(database, closed_before=later(), progress=seen.append) == Archived(2, 14)
    assert seen == [Archived(1, 7), Archived(2, 14)]
    assert await counts(database) == {"open": 7, "closed-1": 1, "closed-2": 1}
    assert await archive(database, closed_before=later()) == Archived(0, 0)


@pytest.mark.parametrize("batch", [1, 3, 7, 8])
async def test_readers_cannot_tell(database: ShardDatabase, store: EventStore, batch: int) -> None:
    await fill(store)
    streams = ("closed-1", "open", "closed-2")
    before = [await store.read(stream) for stream in streams], await database.rows(ORDER, {})
    await archive(database, closed_before=later(), batch=batch)
    assert ([await store.read(stream) for stream in streams], await database.rows(ORDER, {})) == before
    assert [event.version for event in await store.read("closed-1", after=2, limit=4)] == [3, 4, 5, 6]
    past = await store.read_past("closed-1")
    assert past == [PastEvent(*each[:2], *each[4:7]) for each in before[0][0]]
    assert await store.read_from_snapshot("closed-1", schema_version=1) == (None, past)


async def test_an_interrupted_run_goes_on_where_it_was(database: ShardDatabase, store: EventStore) -> None:
    await fill(store)
    before = await store.read("closed-1")
    assert await database.rows("select archive_events('closed-1', 3)", {}) == [(3,)]
    assert await store.read("closed-1") == before
    assert await archive(database, closed_before=later()) == Archived(2, 11)
    assert await store.read("closed-1") == before


async def test_appends_stay_refused_and_the_closing_one_repeatable(database: ShardDatabase, store: EventStore) -> None:
    await fill(store)
    await archive(database, closed_before=later())
    with pytest.raises(StreamClosed):
        await store.append(Append("closed-1", [NewEvent("Happened", {})], slot=HERE))
    again = await store.append(
        Append("closed-1", [NewEvent("Closed", {})], slot=HERE, closes=True, idempotency_key="close")
    )
    assert (again.repeated, again.version, again.total) == (True, 8, 7)
    head = await store.head("closed-1")
    assert head is not None
    assert (head.version, head.total, head.closed) == (8, 7, True)


async def test_what_was_closed_lately_stays(database: ShardDatabase, store: EventStore) -> None:
    await fill(store)
    assert await archive(database, closed_before=datetime.now(UTC) - timedelta(hours=1)) == Archived(0, 0)


async def test_a_time_without_zone_is_refused(database: ShardDatabase) -> None:
    with pytest.raises(InvalidEvent, match="no time zone"):
        await archive(database, closed_before=datetime(2026, 5, 1))


async def test_neither_an_open_stream_nor_one_of_a_slot_that_left_is_archived(
    database: ShardDatabase, store: EventStore
) -> None:
    await fill(store)
    assert await database.rows("select archive_events('open', 10)", {}) == [(0,)]
    assert await database.rows("select archive_events('unknown', 10)", {}) == [(0,)]
    await database.rows("update slots set state = 'left' where slot = 7 returning slot", {})
    try:
        assert await database.rows("select archive_events('closed-1', 10)", {}) == [(0,)]
    finally:
        await database.rows("update slots set state = 'owned' where slot = 7 returning slot", {})


@pytest.mark.parametrize("prelude", ["select", "set session_replication_role = replica"])
@pytest.mark.parametrize(
    "statement",
    [
        "delete from events_archive",
        "update events_archive set data = '[]'",
        "update events_archive set version = version + 100",
        "truncate events_archive",
        "delete from events",
    ],
)
async def test_not_even_an_administrator_changes_what_is_archived(
    database: ShardDatabase, store: EventStore, migrated: Directory, postgres: Postgres, statement: str, prelude: str
) -> None:
    await fill(store)
    await archive(database, closed_before=later())
    with postgres.as_operator(migrated.shards[0].database) as connection:
        connection.execute(prelude)
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="immutable"):
            connection.execute(statement)


async def test_a_rollback_does_not_lose_archived_events(
    database: ShardDatabase, store: EventStore, postgres: Postgres, migrated: Directory
) -> None:
    from importlib.resources import files

    await fill(store)
    await archive(database, closed_before=later())
    text = files("app").joinpath("migrations", "0023_events_archive.rollback.sql").read_text()
    with (
        postgres.as_operator(migrated.shards[0].database) as connection,
        pytest.raises(psycopg.errors.RaiseException, match="they would be lost"),
    ):
        connection.execute(text)


async def test_the_app_may_read_the_archive(
    database: ShardDatabase, store: EventStore, postgres: Postgres, migrated: Directory
) -> None:
    await fill(store)
    await archive(database, closed_before=later())
    rows: Any
    with postgres.connect(migrated.shards[0].database, "ledger") as connection:
        rows = connection.execute("select count(*) from all_events").fetchall()
    assert rows == [(23,)]
