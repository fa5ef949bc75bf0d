"""The event store on a real database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from app.database import Databases
from app.events import EventStore, Head, KeyReused, NewEvent, TotalOutOfRange, VersionConflict
from app.sharding import Directory

pytestmark = pytest.mark.servers


@pytest.fixture
async def store(migrated: Directory) -> AsyncIterator[EventStore]:
    databases = Databases(migrated.shards[:1], home="aws", size=4, seconds=5)
    await databases.open()
    yield EventStore(databases.by_shard["aws-0"])
    await databases.close()


def event(number: int = 1, change: int = 0) -> NewEvent:
    return NewEvent("Happened", {"number": number, "text": "ä ☃"}, change, {"actor": "tester"})


async def test_what_is_appended_is_read_back(store: EventStore) -> None:
    for number in range(1, 6):
        await store.append("s", event(number, change=number))
    events = await store.read("s")
    assert [(each.version, each.data["number"], each.total) for each in events] == [
        (1, 1, 1),
        (2, 2, 3),
        (3, 3, 6),
        (4, 4, 10),
        (5, 5, 15),
    ]
    assert events[0].data == {"number": 1, "text": "ä ☃"}
    assert events[0].metadata == {"actor": "tester"}
    assert events[0].recorded_at.tzinfo is not None
    assert await store.head("s") == Head(version=5, total=15)
    assert [each.version for each in await store.read("s", after=2, limit=2)] == [3, 4]


async def test_an_unknown_stream_is_empty(store: EventStore) -> None:
    assert await store.head("s") is None
    assert await store.read("s") == []


async def test_a_writer_that_missed_an_event_is_told(store: EventStore) -> None:
    await store.append("s", event(), expected_version=0)
    with pytest.raises(VersionConflict, match="s is at version 1, not 0") as caught:
        await store.append("s", event(), expected_version=0)
    assert caught.value.actual == 1
    assert (await store.append("s", event(), expected_version=1)).version == 2


async def test_of_writers_with_one_expectation_one_wins(store: EventStore) -> None:
    outcomes = await asyncio.gather(
        *(store.append("s", event(number), expected_version=0) for number in range(8)), return_exceptions=True
    )
    assert sum(isinstance(outcome, VersionConflict) for outcome in outcomes) == 7
    assert await store.head("s") == Head(version=1, total=0)


async def test_a_repeated_append_is_recognised_before_its_expectation(store: EventStore) -> None:
    first = await store.append("s", event(), expected_version=0, idempotency_key="k")
    again = await store.append("s", event(), expected_version=0, idempotency_key="k")
    assert (again.version, again.position, again.repeated) == (first.version, first.position, True)


@pytest.mark.parametrize("other", [event(2), NewEvent("Other", event().data)])
async def test_a_key_stands_for_one_content(store: EventStore, other: NewEvent) -> None:
    await store.append("s", event(), idempotency_key="k")
    with pytest.raises(KeyReused):
        await store.append("s", other, idempotency_key="k")


@pytest.mark.parametrize("change", [2**63 - 1, -(2**63)])
async def test_a_total_that_leaves_its_range_stores_nothing(store: EventStore, change: int) -> None:
    await store.append("s", event(change=change))
    with pytest.raises(TotalOutOfRange):
        await store.append("s", event(change=1 if change > 0 else -1))
    assert await store.head("s") == Head(version=1, total=change)


async def test_positions_grow_with_time(store: EventStore) -> None:
    positions = [(await store.append(f"s{number % 3}", event())).position for number in range(9)]
    assert positions == sorted(set(positions))
