"""The slot map: what every store of it promises, and what the one in PostgreSQL promises besides."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from psycopg import errors

from app.provisioning.seed import seed_map
from app.sharding import (
    LastShard,
    MapError,
    MapStore,
    NoMap,
    PostgresMapStore,
    SameShard,
    ShardKnown,
    ShardNotActive,
    ShardNotEmpty,
    ShardState,
    SlotBusy,
    SlotEntry,
    SlotMap,
    SlotNotMoving,
    SlotOutOfRange,
    SlotState,
    StaleMap,
    UnknownShard,
    first_map,
)
from app.topology import SLOTS, Directory

from .conftest import Postgres
from .memory_map import MemoryMapStore

SHARDS = ("a", "b", "c")
NAMES = (*SHARDS, "d", "e")
FEW_SLOTS = (0, 1, 7, SLOTS - 1)


def three_shards() -> SlotMap:
    return first_map([SHARDS[slot % 3] for slot in range(SLOTS)], SHARDS)


class Database:
    """A database behind a plain connection."""

    def __init__(self, connection: psycopg.Connection[tuple[Any, ...]]) -> None:
        self.connection = connection

    async def rows(self, statement: str, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        return self.connection.execute(statement, parameters).fetchall()

    rows_once = rows


class Contract(RuleBasedStateMachine):
    """Any store does what the pure map does, and says no where that says no."""

    make: Callable[[SlotMap], MapStore]

    @initialize()
    def begin(self) -> None:
        self.model = three_shards()
        self.store = type(self).make(self.model)
        self.known = self.model
        self.entries = [self.model.slots[slot] for slot in FEW_SLOTS]

    def both(self, change: Callable[[], SlotMap], call: Callable[[], Awaitable[Any]]) -> None:
        try:
            self.model = change()
        except MapError as expected:
            with pytest.raises(type(expected)):
                self.run_to_end(call())
            return
        self.run_to_end(call())
        self.entries.extend(self.model.slots[slot] for slot in FEW_SLOTS)

    def run_to_end(self, awaitable: Awaitable[Any]) -> Any:
        """Neither store ever waits here, and a loop of its own for every step would take most of the time."""
        try:
            awaitable.__await__().send(None)  # type: ignore[attr-defined]
        except StopIteration as end:
            return end.value
        raise AssertionError("the store waits for something")

    def pick(self, number: int) -> SlotEntry:
        """An entry that was true once; mostly one that still is."""
        return self.entries[-1 - number % len(self.entries)]

    @rule(number=st.integers(0, 5), to=st.sampled_from(NAMES))
    def begin_move(self, number: int, to: str) -> None:
        entry = self.pick(number)
        self.both(lambda: self.model.with_move_begun(entry, to), lambda: self.store.begin_move(entry, to))

    @rule(number=st.integers(0, 5))
    def finish_move(self, number: int) -> None:
        entry = self.pick(number)
        self.both(lambda: self.model.with_move_finished(entry), lambda: self.store.finish_move(entry))

    @rule(number=st.integers(0, 5))
    def abort_move(self, number: int) -> None:
        entry = self.pick(number)
        self.both(lambda: self.model.with_move_aborted(entry), lambda: self.store.abort_move(entry))

    @rule(shard=st.sampled_from(NAMES))
    def add_shard(self, shard: str) -> None:
        self.both(lambda: self.model.with_shard(shard), lambda: self.store.add_shard(shard))

    @rule(shard=st.sampled_from(NAMES), state=st.sampled_from(ShardState))
    def set_shard_state(self, shard: str, state: ShardState) -> None:
        self.both(lambda: self.model.with_shard_state(shard, state), lambda: self.store.set_shard_state(shard, state))

    @rule(shard=st.sampled_from(NAMES))
    def remove_shard(self, shard: str) -> None:
        self.both(lambda: self.model.without_shard(shard), lambda: self.store.remove_shard(shard))

    @rule()
    def catch_up(self) -> None:
        self.known = self.run_to_end(self.store.refresh(self.known))
        assert self.known == self.model

    @invariant()
    def they_agree(self) -> None:
        if hasattr(self, "store"):
            assert self.run_to_end(self.store.read()) == self.model


class InMemory(Contract):
    make = MemoryMapStore


@pytest.mark.slow
def test_a_map_in_memory_keeps_the_contract() -> None:
    run_state_machine_as_test(InMemory, settings=settings(max_examples=30, stateful_step_count=25))


MapDatabaseOf = Callable[[SlotMap | None], Database]

EMPTY = "truncate slot_map, shards; update slot_map_version set version = 0"


@pytest.fixture
def connection(migrated: Directory, postgres: Postgres) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    with postgres.as_operator(migrated.map_shard.database) as opened:
        opened.execute(EMPTY)
        yield opened
        opened.execute(EMPTY)
        seed_map(opened, migrated.map_shard, migrated)


def filled(connection: psycopg.Connection[tuple[Any, ...]], slot_map: SlotMap) -> PostgresMapStore:
    connection.execute(EMPTY)
    connection.execute("insert into shards select unnest(%s::text[]), 'active'", [list(slot_map.shards)])
    connection.execute(
        "insert into slot_map select slot, shard, 1, 'owned', null, 1"
        " from unnest(%s::int[], %s::text[]) as given (slot, shard)",
        [list(range(SLOTS)), [entry.shard for entry in slot_map.slots]],
    )
    connection.execute("update slot_map_version set version = %s", [slot_map.version])
    return PostgresMapStore(Database(connection), shard="aws-0")


@pytest.mark.servers
def test_a_map_in_postgresql_keeps_the_contract(connection: psycopg.Connection[tuple[Any, ...]]) -> None:
    class InPostgres(Contract):
        make = staticmethod(lambda slot_map: filled(connection, slot_map))

    run_state_machine_as_test(InPostgres, settings=settings(max_examples=12, stateful_step_count=20))


@pytest.fixture(params=["memory", pytest.param("postgresql", marks=pytest.mark.servers)])
def store(request: pytest.FixtureRequest) -> MapStore:
    if request.param == "memory":
        return MemoryMapStore(three_shards())
    return filled(request.getfixturevalue("connection"), three_shards())


async def test_a_move_ends_with_the_target_one_epoch_on(store: MapStore) -> None:
    begun = await store.begin_move((await store.read()).slots[3], "b")
    assert begun[1:5] == ("a", 1, SlotState.MOVING, "b")
    arrived = await store.finish_move(begun)
    assert arrived[:5] == (3, "b", 2, SlotState.OWNED, None)
    assert (await store.read()).slots[3] == arrived


async def test_an_aborted_move_changes_neither_shard_nor_epoch(store: MapStore) -> None:
    entry = (await store.read()).slots[3]
    aborted = await store.abort_move(await store.begin_move(entry, "b"))
    assert aborted[:5] == entry[:5]


async def test_whoever_slept_through_an_abort_cannot_finish_the_next_move(store: MapStore) -> None:
    first = await store.begin_move((await store.read()).slots[3], "b")
    second = await store.begin_move(await store.abort_move(first), "b")
    with pytest.raises(StaleMap, match="slot 3 was changed in version 4 of the map, not 2: read the map again"):
        await store.finish_move(first)
    await store.finish_move(second)


async def test_one_of_two_movers_loses(store: MapStore) -> None:
    entry = (await store.read()).slots[3]
    await store.begin_move(entry, "b")
    with pytest.raises(StaleMap):
        await store.begin_move(entry, "c")


async def test_bad_changes_are_refused_by_name_and_change_nothing(store: MapStore) -> None:
    await store.add_shard("d")
    await store.set_shard_state("c", ShardState.DRAINING)
    moving = await store.begin_move((await store.read()).slots[3], "d")
    before = await store.read()
    owned = before.slots[0]
    for refusal, change in {
        SlotBusy: store.begin_move(moving, "b"),
        SameShard: store.begin_move(owned, "a"),
        UnknownShard: store.begin_move(owned, "z"),
        ShardNotActive: store.begin_move(owned, "c"),
        SlotNotMoving: store.finish_move(owned),
        SlotOutOfRange: store.begin_move(owned._replace(slot=SLOTS), "b"),
        ShardKnown: store.add_shard("a"),
        ShardNotEmpty: store.remove_shard("d"),
    }.items():
        with pytest.raises(refusal):
            await change
    with pytest.raises(UnknownShard):
        await store.remove_shard("z")
    with pytest.raises(UnknownShard):
        await store.set_shard_state("z", ShardState.DRAINING)
    with pytest.raises(SlotOutOfRange, match="slot -1 is out of range: slots are numbered 0 to 4095"):
        await store.abort_move(owned._replace(slot=-1))
    assert await store.read() == before


async def test_the_last_shard_stays(store: MapStore) -> None:
    await store.set_shard_state("a", ShardState.DRAINING)
    await store.set_shard_state("b", ShardState.DRAINING)
    with pytest.raises(LastShard):
        await store.set_shard_state("c", ShardState.DRAINING)
    with pytest.raises(LastShard, match="c is the last shard that takes slots: add another one first"):
        await store.remove_shard("c")


async def test_a_refresh_sees_every_change_since(store: MapStore) -> None:
    known = await store.read()
    assert await store.refresh(known) == known
    await store.finish_move(await store.begin_move(known.slots[3], "b"))
    await store.add_shard("d")
    await store.begin_move(known.slots[4], "d")
    refreshed = await store.refresh(known)
    assert refreshed == await store.read() != known


@pytest.mark.servers
class TestInPostgresql:
    """Errors that only a database can make."""

    async def test_an_unfilled_map_is_named(self, connection: psycopg.Connection[tuple[Any, ...]]) -> None:
        store = PostgresMapStore(Database(connection), shard="aws-0")
        with pytest.raises(NoMap, match="shard aws-0 holds no slot map: `fortress migrate up`"):
            await store.read()
        with pytest.raises(NoMap):
            await store.begin_move(three_shards().slots[0], "b")

    def test_it_is_filled_once_and_only_where_it_belongs(
        self, connection: psycopg.Connection[tuple[Any, ...]], migrated: Directory
    ) -> None:
        assert not seed_map(connection, migrated.shards[1], migrated)
        assert seed_map(connection, migrated.map_shard, migrated)
        assert not seed_map(connection, migrated.map_shard, migrated)
        slot_map = asyncio.run(PostgresMapStore(Database(connection), shard="aws-0").read())
        assert [entry.shard for entry in slot_map.slots] == migrated.owners
        assert slot_map == first_map(migrated.owners, [shard.name for shard in migrated.shards])

    async def test_a_map_restored_from_a_backup_is_read_anew(
        self, connection: psycopg.Connection[tuple[Any, ...]]
    ) -> None:
        store = filled(connection, three_shards())
        await store.begin_move((await store.read()).slots[3], "b")
        known = await store.read()
        store = filled(connection, three_shards())
        assert await store.refresh(known) == three_shards()

    def test_a_change_in_flight_is_waited_for(
        self, connection: psycopg.Connection[tuple[Any, ...]], migrated: Directory, postgres: Postgres
    ) -> None:
        """Two changes at once get two versions, in the order in which they become visible."""
        store = filled(connection, three_shards())
        with postgres.as_operator(migrated.map_shard.database) as other, other.transaction():
            other.execute("select begin_slot_move(5::smallint, 1, 'a')")
            connection.execute("set lock_timeout = '100ms'")
            with pytest.raises(errors.LockNotAvailable):
                asyncio.run(store.begin_move(three_shards().slots[6], "b"))
        connection.execute("reset lock_timeout")
        begun = asyncio.run(store.begin_move(three_shards().slots[6], "b"))
        assert begun.changed == 3

    @pytest.mark.parametrize(
        "statement",
        [
            "update slot_map set shard = 'b' where slot = 0",
            "select begin_slot_move(0::smallint, 1, 'b')",
            "select end_slot_move(0::smallint, 1, true)",
            "select end_slot_move(0::smallint, 1, false)",
            "select add_shard('z')",
            "select remove_shard('a')",
            "select set_shard_state('a', 'draining')",
        ],
    )
    def test_the_app_reads_the_map_and_changes_nothing(
        self, migrated: Directory, postgres: Postgres, statement: str
    ) -> None:
        with postgres.connect(migrated.map_shard.database, "ledger") as app:
            assert app.execute("select count(*) from slot_map").fetchone() == (SLOTS,)
            with (
                pytest.raises(errors.InsufficientPrivilege),
                as_writer(app),
            ):
                app.execute(statement)


@contextmanager
def as_writer(connection: psycopg.Connection[tuple[Any, ...]]) -> Iterator[None]:
    """With the rights that the app needs to write events, whatever else its role may have been given."""
    connection.execute("set role ledger_writer")
    yield
