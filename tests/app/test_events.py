"""The event store on a real database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.database import ShardDatabase
from app.events import (
    Append,
    Appended,
    BelowFloor,
    EventStore,
    Head,
    InvalidEvent,
    KeyReused,
    NewEvent,
    NewSnapshot,
    Overdue,
    Slot,
    StreamClosed,
    TotalOutOfRange,
    VersionConflict,
    WrongEpoch,
)
from app.topology import Directory

from .conftest import Postgres, opened_database

pytestmark = pytest.mark.servers

HERE = Slot(7, 1)
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.fixture
async def database(migrated: Directory) -> AsyncIterator[ShardDatabase]:
    async with opened_database(migrated) as database:
        yield database


@pytest.fixture
def store(database: ShardDatabase) -> EventStore:
    return EventStore(database)


@pytest.fixture
def append(store: EventStore) -> Any:
    async def append(stream: str, events: NewEvent | list[NewEvent], slot: Slot = HERE, **conditions: Any) -> Appended:
        several = [events] if isinstance(events, NewEvent) else events
        return await store.append(Append(stream, several, slot, **conditions))

    return append


def event(number: int = 1, change: int = 0) -> NewEvent:
    return NewEvent("Happened", {"number": number, "text": 'ä ☃ "quoted" \\ \n {,}'}, change, {"actor": "tester"})


def head(version: int, total: int = 0, due: datetime | None = None, closed: bool = False) -> Head:
    return Head(version, total, due, closed)


async def test_what_is_appended_is_read_back(store: EventStore, append: Any) -> None:
    for number in range(1, 6):
        await append("s", event(number, change=number))
    events = await store.read("s")
    assert [(each.version, each.data["number"], each.total) for each in events] == [
        (1, 1, 1),
        (2, 2, 3),
        (3, 3, 6),
        (4, 4, 10),
        (5, 5, 15),
    ]
    assert events[0].data == event().data
    assert events[0].metadata == {"actor": "tester"}
    assert events[0].recorded_at.tzinfo is not None
    assert await store.head("s") == head(5, 15)
    assert [each.version for each in await store.read("s", after=2, limit=2)] == [3, 4]
    assert await store.heads(["s", "other"]) == {"s": head(5, 15)}


async def test_an_unknown_stream_is_empty(store: EventStore) -> None:
    assert await store.head("s") is None
    assert await store.read("s") == []


class TestExpectedVersion:
    async def test_a_writer_that_missed_an_event_is_told(self, append: Any) -> None:
        await append("s", event(), expected_version=0)
        with pytest.raises(VersionConflict, match="s is at version 1, not 0") as caught:
            await append("s", event(), expected_version=0)
        assert caught.value.actual == 1
        assert (await append("s", event(), expected_version=1)).version == 2

    async def test_of_writers_with_one_expectation_one_wins(self, store: EventStore, append: Any) -> None:
        outcomes = await asyncio.gather(
            *(append("s", event(number), expected_version=0) for number in range(8)), return_exceptions=True
        )
        assert sum(isinstance(outcome, VersionConflict) for outcome in outcomes) == 7
        assert await store.head("s") == head(1)


class TestBatch:
    async def test_all_events_are_stored_in_order(self, store: EventStore, append: Any) -> None:
        await append("s", event(0, change=5))
        outcome = await append("s", [event(number, change=number) for number in range(1, 101)], idempotency_key="k")
        assert (outcome.version, outcome.total, outcome.repeated) == (101, 5055, False)
        events = await store.read("s", after=1)
        assert [(each.version, each.data["number"]) for each in events] == [(n + 1, n) for n in range(1, 101)]
        assert [each.total for each in events[:3]] == [6, 8, 11]
        assert [each.cursor for each in events] == sorted(each.cursor for each in events)

    async def test_a_repeated_one_has_the_first_result(self, append: Any) -> None:
        batch = [event(number, change=number) for number in range(1, 4)]
        first = await append("s", batch, idempotency_key="k")
        await append("s", event(9, change=9))
        assert await append("s", batch, idempotency_key="k") == first._replace(repeated=True)

    async def test_a_longer_one_under_the_same_key_is_another(self, append: Any) -> None:
        await append("s", [event(1)], idempotency_key="k")
        with pytest.raises(KeyReused):
            await append("s", [event(1), event(1)], idempotency_key="k")


class TestIdempotency:
    async def test_a_repeated_append_is_recognised_before_its_expectation(self, append: Any) -> None:
        first = await append("s", event(), expected_version=0, idempotency_key="k")
        again = await append("s", event(), expected_version=0, idempotency_key="k")
        assert again == first._replace(repeated=True)

    @pytest.mark.parametrize("other", [event(2), NewEvent("Other", event().data)])
    async def test_a_key_stands_for_one_content(self, append: Any, other: NewEvent) -> None:
        await append("s", event(), idempotency_key="k")
        with pytest.raises(KeyReused):
            await append("s", other, idempotency_key="k")

    async def test_each_event_keeps_its_own_metadata(self, append: Any, store: EventStore) -> None:
        shared = {"actor": "tester"}
        kinds: list[dict[str, str]] = [shared, {}, {"actor": "other"}, shared]
        await append("s", [NewEvent("Happened", {}, metadata=each) for each in kinds])
        await append("s", [NewEvent("Happened", {}, metadata=each) for each in reversed(kinds[:3])])
        assert [each.metadata for each in await store.read("s")] == [*kinds, *reversed(kinds[:3])]

    async def test_metadata_is_no_part_of_the_content(self, append: Any) -> None:
        await append("s", event(), idempotency_key="k")
        assert (await append("s", replace(event(), metadata={"actor": "other"}), idempotency_key="k")).repeated

    async def test_the_content_may_be_something_else(self, append: Any) -> None:
        await append("s", event(1), idempotency_key="k", content=b"request")
        assert (await append("s", event(2), idempotency_key="k", content=b"request")).repeated

    async def test_keys_belong_to_a_stream(self, append: Any) -> None:
        await append("s", event(), idempotency_key="k")
        assert not (await append("t", event(2), idempotency_key="k")).repeated


class TestRunningTotal:
    async def test_a_floor_holds(self, store: EventStore, append: Any) -> None:
        await append("s", event(change=10))
        assert (await append("s", event(change=-10), floor=0)).total == 0
        with pytest.raises(BelowFloor) as caught:
            await append("s", event(change=-1), floor=0)
        assert caught.value.total == 0
        with pytest.raises(BelowFloor):
            await append("new", event(change=-1), floor=0)
        assert await store.head("s") == head(2)

    async def test_of_many_that_together_take_too_much_some_are_refused(self, store: EventStore, append: Any) -> None:
        await append("s", event(change=10))
        outcomes = await asyncio.gather(
            *(append("s", event(number, change=-3), floor=0) for number in range(10)), return_exceptions=True
        )
        assert sum(isinstance(outcome, BelowFloor) for outcome in outcomes) == 7
        assert await store.head("s") == head(4, 1)

    @pytest.mark.parametrize("change", [2**63 - 1, -(2**63)])
    async def test_a_total_that_leaves_its_range_stores_nothing(
        self, store: EventStore, append: Any, change: int
    ) -> None:
        await append("s", event(change=change))
        with pytest.raises(TotalOutOfRange):
            await append("s", event(change=1 if change > 0 else -1))
        away = 1 if change > 0 else -1
        with pytest.raises(TotalOutOfRange):
            await append("s", [event(change=away), event(change=-away)])
        assert await store.head("s") == head(1, change)

    async def test_a_total_that_is_due_is_not_relied_on(self, store: EventStore, append: Any) -> None:
        await append("s", event(change=10), due=NOON)
        await append("s", event(change=10), due=NOON + timedelta(hours=1))
        assert (await append("s", event(change=-1), floor=0, now=NOON - timedelta(seconds=1))).total == 19
        with pytest.raises(Overdue):
            await append("s", event(change=-1), floor=0, now=NOON)
        await append("s", event(change=-9), expected_version=3, due=NOON + timedelta(hours=1))
        assert (await append("s", event(change=-1), floor=0, now=NOON)).total == 9
        assert await store.head("s") == head(5, 9, NOON + timedelta(hours=1))


class TestSlots:
    @pytest.mark.parametrize("slot", [Slot(7, 2), Slot(4000, 1)])
    async def test_a_writer_with_a_stale_map_is_told(self, store: EventStore, slot: Slot) -> None:
        with pytest.raises(WrongEpoch) as caught:
            await store.append(Append("s", [event()], slot=slot))
        assert caught.value.actual == (1 if slot.number == 7 else None)
        assert await store.head("s") is None

    async def test_a_slot_that_has_left_takes_nothing(
        self, store: EventStore, append: Any, migrated: Directory, postgres: Postgres
    ) -> None:
        with postgres.as_operator(migrated.shards[0].database) as connection:
            connection.execute("update slots set state = 'left' where slot = 7")
            try:
                with pytest.raises(WrongEpoch):
                    await append("s", event())
            finally:
                connection.execute("update slots set state = 'owned' where slot = 7")


async def test_a_closed_stream_takes_no_more_and_stays_readable(store: EventStore, append: Any) -> None:
    await append("s", event())
    await append("s", event(2), closes=True)
    with pytest.raises(StreamClosed):
        await append("s", event(3))
    assert len(await store.read("s")) == 2


async def test_a_snapshot_is_stored_with_its_events(append: Any, migrated: Directory, postgres: Postgres) -> None:
    await append("s", [event(1), event(2)], snapshot=NewSnapshot(3, {"sum": 'a"b'}))
    with pytest.raises(VersionConflict):
        await append("s", event(3), expected_version=1, snapshot=NewSnapshot(3, {"sum": "never"}))
    with postgres.as_operator(migrated.shards[0].database) as connection:
        rows = connection.execute("select stream, version, schema_version, state from snapshots").fetchall()
    assert rows == [("s", 2, 3, {"sum": 'a"b'})]


class TestGroupCommit:
    async def test_appends_at_once_share_transactions_and_each_has_its_own_outcome(
        self, store: EventStore, append: Any
    ) -> None:
        calls = [
            *(append(f"s{number}", event(number), idempotency_key="k") for number in range(50)),
            append("conflict", event(), expected_version=5),
            append("below", event(change=-1), floor=0),
            append("range", [event(change=2**63 - 1), event(change=2**63 - 1)]),
            append("stale", event(), slot=Slot(7, 9)),
        ]
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes[50:]] == [
            VersionConflict,
            BelowFloor,
            TotalOutOfRange,
            WrongEpoch,
        ]
        stored = [(await store.read(f"s{number}"))[0] for number in range(50)]
        assert [each.data["number"] for each in stored] == list(range(50))
        assert len({each.transaction_id for each in stored}) < 50

    async def test_appends_to_one_stream_keep_the_order_of_their_calls(self, store: EventStore, append: Any) -> None:
        await asyncio.gather(*(append("s", event(number)) for number in range(100)))
        assert [each.data["number"] for each in await store.read("s")] == list(range(100))

    async def test_a_caller_that_goes_away_takes_nobody_along(self, store: EventStore, append: Any) -> None:
        tasks = [asyncio.create_task(append(f"s{number}", event())) for number in range(10)]
        await asyncio.sleep(0)
        tasks[3].cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        assert sum(isinstance(outcome, asyncio.CancelledError) for outcome in outcomes) == 1

    async def test_two_processes_that_write_to_the_same_streams_wait_for_each_other(
        self, database: ShardDatabase, store: EventStore
    ) -> None:
        other = EventStore(database)
        await asyncio.gather(
            *(
                each.append(Append(f"s{number % 20}", [event()], slot=HERE))
                for number in range(400)
                for each in (store, other)
            )
        )
        heads = await store.heads([f"s{number}" for number in range(20)])
        assert [each.version for each in heads.values()] == [40] * 20


NOT_JSON: list[Any] = [{"x": float("nan")}, {"x": float("inf")}, {"x": object()}, {"x": datetime(2026, 1, 1)}, {1: 2}]


class TestBadInput:
    @pytest.mark.parametrize("data", NOT_JSON)
    async def test_what_is_not_json_is_refused(self, store: EventStore, append: Any, data: Any) -> None:
        with pytest.raises(InvalidEvent, match="this is not JSON"):
            await append("s", NewEvent("Happened", data))
        assert await store.head("s") is None

    @pytest.mark.parametrize("text", ["x" * 65_537, "ä" * 32_769])
    async def test_what_is_too_large_is_refused(self, append: Any, text: str) -> None:
        with pytest.raises(InvalidEvent, match=r"more than 65536"):
            await append("s", NewEvent("Happened", {"text": text}))

    @pytest.mark.parametrize("stream", ["", "a\nb", "a\x00b", "x" * 256, "ä" * 128])
    async def test_a_stream_has_a_name(self, append: Any, stream: str) -> None:
        with pytest.raises(InvalidEvent, match="a stream is named by"):
            await append(stream, event())

    @pytest.mark.parametrize("kind", ["", "1st", "with space", "x" * 101])
    async def test_an_event_has_a_type(self, append: Any, kind: str) -> None:
        with pytest.raises(InvalidEvent, match="an event's type"):
            await append("s", NewEvent(kind, {}))

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            ({"events": []}, "1 to 10000 events"),
            ({"events": NewEvent("A", {}, change=2**63)}, "no bigint"),
            ({"events": NewEvent("A", {}, change=True)}, "no bigint"),
            ({"events": NewEvent("A", {}, schema_version=0)}, "schema version 0"),
            ({"due": datetime(2026, 1, 1)}, "no time zone"),
            ({"idempotency_key": ""}, "1 to 255 bytes"),
        ],
    )
    async def test_anything_else_is_named(self, append: Any, arguments: Any, words: str) -> None:
        with pytest.raises(InvalidEvent, match=words):
            await append("s", **({"events": event()} | arguments))
