"""Slot moves: how long a writer waits meanwhile, and how many slots move when a shard joins."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

from app.database.connection import Role
from app.database.pools import ShardDatabase
from app.events import Append, Appended, EventStore, Slot
from app.sharding import PostgresMapStore, Router, first_map
from app.sharding.mover import move_slot
from app.sharding.rebalance import plan_rebalance
from app.topology import SLOTS, Directory, Place, slot_of
from tools.bench.data_plane import ours
from tools.bench.data_plane.databases import BenchDatabases
from tools.bench.data_plane.ours import EVENT, in_loop
from tools.bench.data_plane.server import ADMIN, logged_in_as
from tools.bench.data_plane.worker_pool import Work, worker_pool
from tools.bench.measurement import Limit, Recorder, Unbounded
from tools.bench.slices import percentile

MOVES = 100
STREAMS = 4
"""Of the slot that moves; each has a writer that appends one event after the other."""
BATCHES = 3
BATCH = 100
"""So many events come into each stream before the move."""
BEFORE_SECONDS = 0.05
APPENDS_AFTER = 10
LONGEST_SECONDS = 30.0
NAMES = [f"shard-{number}" for number in range(8)]

Written = tuple[float, int]
"""The longest that one append took, in seconds; how many appends failed."""


def pauses(bench: BenchDatabases, recorder: Recorder) -> None:
    """Moves of slots that are written."""
    source, target = (shard.name for shard in bench.moving.shards)
    with (
        logged_in_as(bench.server, ours.WRITER),
        worker_pool(1, writers, bench.moving) as writing,
        logged_in_as(bench.server, ADMIN),
        worker_pool(1, mover, bench.moving) as moving,
        ThreadPoolExecutor() as pool,
    ):
        waited, took, failed = [], [], 0
        slots = [slot for slot in range(len(bench.moving.owners)) if bench.moving.owners[slot] == source]
        for slot in slots[:MOVES]:
            written = pool.submit(writing.run, slot, target)
            took.append(moving.run(slot, target)[0])
            [(longest, failures)] = written.result()
            waited.append(longest)
            failed += failures
    recorder.take(
        "slot moves: longest wait of a writer, 99th percentile",
        Limit(250, "ms"),
        [1000 * percentile(waited, 0.99)],
        raw={"median ms": [1000 * percentile(waited, 0.5)], "moves": [len(waited)]},
        note=f"{STREAMS} writers of the slot, {STREAMS * BATCHES * BATCH} events in it at first",
    )
    recorder.take("slot moves: appends that failed", Limit(0, "appends"), [failed])
    recorder.take("slot moves: time of a move", Unbounded("ms"), [1000 * seconds for seconds in took])


def ninth_shard(_: BenchDatabases, recorder: Recorder) -> None:
    """The slots that move when a ninth shard joins eight."""
    eight = first_map([NAMES[slot * len(NAMES) // SLOTS] for slot in range(SLOTS)], NAMES)
    plan = plan_rebalance(eight.with_shard("shard-8"))
    moved, ideal = 100 * len(plan.moves) / SLOTS, 100 / 9
    recorder.take(
        "8 to 9 shards: slots moved, distance from the ideal share",
        Limit(1, "% of all"),
        [abs(moved - ideal)],
        raw={"moved, % of all slots": [moved], "ideal": [ideal]},
    )


ROWS = (pauses,)
PLACEMENT = (ninth_shard,)


def mover(directory: Directory, _: int) -> contextlib.AbstractContextManager[Work[float]]:
    """Moves a slot to a shard; how long that takes, in seconds."""
    return in_loop(_mover, directory)


@contextlib.asynccontextmanager
async def _mover(directory: Directory) -> AsyncIterator[Callable[[int, str], Awaitable[float]]]:
    databases = {
        shard.name: ShardDatabase(shard, size=2, kept=0, seconds=10.0, role=Role.ADMIN) for shard in directory.shards
    }
    for database in databases.values():
        await database.open()
    maps = PostgresMapStore(databases[directory.map_shard.name], shard=directory.map_shard.name)

    async def work(slot: int, target: str) -> float:
        await asyncio.sleep(BEFORE_SECONDS)
        started = time.perf_counter()
        await move_slot(slot, target, databases=databases, map_store=maps)
        return time.perf_counter() - started

    try:
        yield work
    finally:
        for database in databases.values():
            await database.close()


def writers(directory: Directory, _: int) -> contextlib.AbstractContextManager[Work[Written]]:
    """Write into streams of a slot until it has come to a shard, and a little longer."""
    return in_loop(_writers, directory)


@contextlib.asynccontextmanager
async def _writers(directory: Directory) -> AsyncIterator[Callable[[int, str], Awaitable[Written]]]:
    names: dict[int, list[str]] = {}
    for number in range(len(directory.owners) * STREAMS * 4):
        names.setdefault(slot_of(f"moving-{number}"), []).append(f"moving-{number}")
    async with ours.opened_all(directory) as databases:
        stores = {name: EventStore(database) for name, database in databases.by_shard.items()}
        maps = directory.map_shard.name
        router = Router(directory, stores, PostgresMapStore(databases.by_shard[maps], shard=maps))

        async def work(slot: int, target: str) -> Written:
            streams = names[slot][:STREAMS]
            for stream in streams * BATCHES:
                await _append(router, stream, BATCH)
            async with asyncio.timeout(LONGEST_SECONDS):
                written = await asyncio.gather(*(_write(router, stream, target) for stream in streams))
            return max(longest for longest, _ in written), sum(failures for _, failures in written)

        yield work


async def _write(router: Router[EventStore], stream: str, target: str) -> Written:
    longest, failures, after = 0.0, 0, 0
    while after < APPENDS_AFTER:
        started = time.perf_counter()
        try:
            await _append(router, stream, 1)
        except Exception:  # whatever a writer would have seen
            failures += 1
        longest = max(longest, time.perf_counter() - started)
        after += router.route(stream)[0].shard == target
    return longest, failures


async def _append(router: Router[EventStore], stream: str, events: int) -> Appended:
    async def append(place: Place, store: EventStore) -> Appended:
        return await store.append(Append(stream, [EVENT] * events, slot=Slot(place.slot, place.epoch)))

    return await router.routed(stream, append)
