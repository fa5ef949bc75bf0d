"""Reads through the router: one row, and many from all shards at once."""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from app.database import Databases
from app.events import Append, EventStore
from app.sharding import Router
from app.sharding.reads import ReadRouter, ReplicaDatabases, build_read_router
from app.topology import Directory
from tools.bench.data_plane import ours
from tools.bench.data_plane.databases import BenchDatabases
from tools.bench.data_plane.ours import EVENT, in_loop, slot
from tools.bench.data_plane.server import logged_in_as
from tools.bench.data_plane.worker_pool import Work, worker_pool
from tools.bench.measurement import Floor, Limit, Recorder, Unbounded
from tools.bench.slices import paired

ACCOUNTS = 20_000
AT_ONCE = 5000
SECONDS = 0.5
HEAD = "select version, total, due, closed from streams where stream = %(stream)s"
"""The query of a routed read, without the check that the slot is here."""
ONE = "read"


def single(bench: BenchDatabases, recorder: Recorder) -> None:
    """One row through the router against the same row by psycopg itself."""
    directory = Directory(slots=4096, shards=[bench.shard])
    database = bench.server.parameters(bench.shard.database, ours.WRITER)
    with (
        logged_in_as(bench.server, ours.WRITER),
        worker_pool(1, routed, directory) as mine,
        worker_pool(1, plain, database) as theirs,
        worker_pool(1, pooled, database) as through_a_pool,
    ):
        pairs = paired(lambda: 1e6 / mine.run(SECONDS)[0], lambda: 1e6 / theirs.run(SECONDS)[0])
        with_pool = paired(lambda: 1e6 / mine.run(SECONDS)[0], lambda: 1e6 / through_a_pool.run(SECONDS)[0])
    recorder.take(
        "routed read of a row, slower than by a connection of psycopg",
        Limit(10, "%"),
        pairs.extra_percent,
        raw={"ours us": pairs.ours, "theirs us": pairs.theirs},
        note="one AsyncConnection that nobody else uses, statement prepared; ours is routed, checks the slot's epoch, "
        "takes a connection of its pool, and limits the time",
    )
    recorder.take(
        "routed read of a row, slower than through a pool of psycopg",
        Unbounded("%"),
        with_pool.extra_percent,
        raw={"ours us": with_pool.ours, "theirs us": with_pool.theirs},
    )


def many(bench: BenchDatabases, recorder: Recorder) -> None:
    """Rows read by batched multi-get over all shards."""
    with logged_in_as(bench.server, ours.WRITER), worker_pool(1, multi_get, bench.three) as mine:
        mine.run(SECONDS)
        samples = [mine.run(SECONDS)[0] for _ in range(11)]
    recorder.take("rows by batched multi-get over 3 shards", Floor(125_000, "rows/s"), samples)


ROWS = (single, many)


@contextlib.asynccontextmanager
async def _reads(directory: Directory) -> AsyncIterator[tuple[Databases, ReadRouter]]:
    async with ours.opened_all(directory) as databases:
        replicas = ReplicaDatabases(directory, size=1, seconds=5.0)
        stores = {name: EventStore(database) for name, database in databases.by_shard.items()}
        yield (
            databases,
            build_read_router(Router(directory, stores), directory, databases.by_shard, replicas, home="aws"),
        )


def routed(directory: Directory, _: int) -> contextlib.AbstractContextManager[Work[float]]:
    """Reads of one row through the router, per second."""
    return in_loop(_routed, directory)


@contextlib.asynccontextmanager
async def _routed(directory: Directory) -> AsyncIterator[Callable[[float], Awaitable[float]]]:
    async with _reads(directory) as (databases, reads):
        store = EventStore(databases.by_shard[directory.shards[0].name])
        await store.append(Append(ONE, [EVENT], slot=slot(ONE)))
        yield lambda seconds: _repeated(lambda: reads.head(ONE), seconds)


def plain(parameters: dict[str, Any], _: int) -> contextlib.AbstractContextManager[Work[float]]:
    """Reads of one row by a connection of psycopg, per second."""
    return in_loop(_plain, parameters)


@contextlib.asynccontextmanager
async def _plain(parameters: dict[str, Any]) -> AsyncIterator[Callable[[float], Awaitable[float]]]:
    async with await AsyncConnection.connect(autocommit=True, prepare_threshold=0, **parameters) as connection:

        async def read() -> Any:
            cursor = await connection.execute(HEAD, {"stream": ONE}, binary=True)
            return await cursor.fetchone()

        yield lambda seconds: _repeated(read, seconds)


def pooled(parameters: dict[str, Any], _: int) -> contextlib.AbstractContextManager[Work[float]]:
    """Reads of one row through a pool of psycopg, per second."""
    return in_loop(_pooled, parameters)


@contextlib.asynccontextmanager
async def _pooled(parameters: dict[str, Any]) -> AsyncIterator[Callable[[float], Awaitable[float]]]:
    settings = {"autocommit": True, "prepare_threshold": 0, **parameters}
    async with AsyncConnectionPool(kwargs=settings, min_size=1, max_size=4, open=False) as pool:

        async def read() -> Any:
            async with pool.connection() as connection:
                cursor = await connection.execute(HEAD, {"stream": ONE}, binary=True)
                return await cursor.fetchone()

        yield lambda seconds: _repeated(read, seconds)


async def _repeated(read: Callable[[], Awaitable[Any]], seconds: float) -> float:
    done, started = 0, time.perf_counter()
    while time.perf_counter() < started + seconds:
        if await read() is None:
            raise AssertionError("there is no row")
        done += 1
    return done / (time.perf_counter() - started)


def multi_get(directory: Directory, _: int) -> contextlib.AbstractContextManager[Work[float]]:
    """Rows per second by reads of many streams at once, all over the shards."""
    return in_loop(_multi_get, directory)


@contextlib.asynccontextmanager
async def _multi_get(directory: Directory) -> AsyncIterator[Callable[[float], Awaitable[float]]]:
    async with _reads(directory) as (databases, reads):
        names = [f"many-{number}" for number in range(ACCOUNTS)]
        await ours.append_to_each(directory, databases, names)
        chance = random.Random(1)  # noqa: S311  reproducible on purpose

        async def work(seconds: float) -> float:
            rows, started = 0, time.perf_counter()
            while time.perf_counter() < started + seconds:
                wanted = chance.sample(names, AT_ONCE)
                found = await reads.heads(wanted)
                if len(found) != AT_ONCE:
                    raise AssertionError(f"{len(found)} of {AT_ONCE} streams were found")
                rows += len(found)
            return rows / (time.perf_counter() - started)

        yield work
