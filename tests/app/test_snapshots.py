"""A snapshot spares reading, and never changes what a stream leads to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest

from app.events import (
    Append,
    EventStore,
    Fold,
    GapInStream,
    Loaded,
    NewEvent,
    PastEvent,
    Slot,
    Upcasting,
    load,
    snapshot_due,
)
from app.topology import Directory

from .conftest import Postgres, opened_database

pytestmark = pytest.mark.servers

HERE = Slot(7, 1)


@dataclass(frozen=True)
class Sum:
    value: int = 0
    events: int = 0


def fold(schema_version: int = 1) -> Fold[Sum]:
    return Fold(
        initial=Sum(),
        apply=lambda state, event: Sum(state.value + event.data["number"], state.events + 1),
        upcasting=Upcasting({"Counted": 1}),
        schema_version=schema_version,
        encode=lambda state: {"value": state.value, "events": state.events},
        decode=lambda state: Sum(**state),
    )


class CountingDatabase:
    """Counts round trips."""

    def __init__(self, database: Any) -> None:
        self.database = database
        self.trips = 0

    async def rows(self, statement: str, parameters: Mapping[str, Any]) -> list[Any]:
        self.trips += 1
        rows: list[Any] = await self.database.rows(statement, parameters)
        return rows

    async def rows_once(self, statement: str, parameters: Mapping[str, Any]) -> list[Any]:
        rows: list[Any] = await self.database.rows_once(statement, parameters)
        return rows


@pytest.fixture
async def counting(migrated: Directory) -> AsyncIterator[CountingDatabase]:
    async with opened_database(migrated) as database:
        yield CountingDatabase(database)


@pytest.fixture
def store(counting: CountingDatabase) -> EventStore:
    return EventStore(counting)


async def write(store: EventStore, numbers: range, schema_version: int = 1) -> Loaded[Sum]:
    """Append one by one as a writer does that loads first."""
    kind = fold(schema_version)
    for number in numbers:
        loaded = await load(store, "s", kind)
        state = Sum(loaded.state.value + number, loaded.state.events + 1)
        await store.append(
            Append(
                "s",
                [NewEvent("Counted", {"number": number})],
                slot=HERE,
                expected_version=loaded.version,
                snapshot=snapshot_due(loaded, kind, state, 1),
            )
        )
    return await load(store, "s", kind)


async def test_a_stream_that_is_not_there_is_in_its_initial_state(store: EventStore) -> None:
    assert await load(store, "s", fold()) == Loaded(Sum(), 0, 0)


async def test_every_hundred_events_there_is_a_snapshot_and_the_state_is_the_same(store: EventStore) -> None:
    loaded = await write(store, range(1, 251))
    assert loaded == Loaded(Sum(sum(range(251)), 250), 250, 200)
    assert (await load(store, "s", fold(2))).state == loaded.state


async def test_loading_is_one_round_trip(store: EventStore, counting: CountingDatabase) -> None:
    await write(store, range(1, 121))
    for kind in (fold(1), fold(2)):
        counting.trips = 0
        await load(store, "s", kind)
        assert counting.trips == 1


async def test_a_snapshot_of_another_schema_version_is_ignored(
    store: EventStore, migrated: Directory, postgres: Postgres
) -> None:
    await write(store, range(1, 101))
    with postgres.as_operator(migrated.shards[0].database) as connection:
        connection.execute("update snapshots set state = '{\"lies\": true}'")
    assert await load(store, "s", fold(2)) == Loaded(Sum(5050, 100), 100, 0)


async def test_a_snapshot_of_the_new_version_takes_the_place_of_the_old_one(store: EventStore) -> None:
    await write(store, range(1, 101), schema_version=1)
    await write(store, range(101, 102), schema_version=2)
    assert await load(store, "s", fold(2)) == Loaded(Sum(5151, 101), 101, 101)
    assert await load(store, "s", fold(1)) == Loaded(Sum(5151, 101), 101, 0)


@pytest.mark.parametrize("page", [1, 2, 7, 10, 49, 50, 51])
async def test_a_long_tail_is_read_page_by_page(store: EventStore, page: int) -> None:
    await store.append(Append("s", [NewEvent("Counted", {"number": number}) for number in range(1, 51)], slot=HERE))
    assert await load(store, "s", fold(), page=page) == Loaded(Sum(1275, 50), 50, 0)
    loaded = await load(store, "s", fold())
    await store.append(
        Append(
            "s",
            [NewEvent("Counted", {"number": 0})],
            slot=HERE,
            expected_version=50,
            snapshot=snapshot_due(loaded, fold(), Sum(1275, 51), 1, every=10),
        )
    )
    await store.append(Append("s", [NewEvent("Counted", {"number": 1})] * 50, slot=HERE))
    assert await load(store, "s", fold(), page=page) == Loaded(Sum(1325, 101), 101, 51)


async def test_a_refused_append_keeps_no_snapshot(store: EventStore) -> None:
    await write(store, range(1, 3))
    loaded = replace(await load(store, "s", fold()), version=1)
    with pytest.raises(Exception, match="is at version 2, not 1"):
        await store.append(
            Append(
                "s",
                [NewEvent("Counted", {"number": 9})],
                slot=HERE,
                expected_version=loaded.version,
                snapshot=snapshot_due(loaded, fold(), Sum(999, 9), 1, every=1),
            )
        )
    assert (await load(store, "s", fold())).snapshot_version == 0


async def test_a_gap_in_a_stream_is_never_read_over() -> None:
    class Damaged:
        async def read_from_snapshot(self, stream: str, **_: Any) -> tuple[None, list[PastEvent]]:
            event = PastEvent(stream, 1, "Counted", 1, {"number": 1})
            return None, [event, event._replace(version=3)]

        async def read_past(self, stream: str, *, after: int, limit: int) -> list[PastEvent]:
            raise AssertionError

    with pytest.raises(GapInStream, match="version 3 where 2"):
        await load(Damaged(), "s", fold())
