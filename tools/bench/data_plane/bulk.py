"""Bringing many events in at once: our import by COPY, against the peer's batches, and against a bare COPY."""

from __future__ import annotations

import contextlib
import itertools
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import psycopg

from app.database.connection import Role
from app.database.pools import ShardDatabase
from app.events.bulk_import import import_events
from app.events.import_chunk import ImportedEvent
from app.topology import Shard
from tools.bench.data_plane import peer, raw
from tools.bench.data_plane.databases import BenchDatabases
from tools.bench.data_plane.ours import EVENT, in_loop, slot
from tools.bench.data_plane.server import ADMIN, logged_in_as
from tools.bench.data_plane.worker_pool import Work, WorkerPool, worker_pool
from tools.bench.measurement import Floor, Recorder, Unbounded
from tools.bench.slices import paired

EVENTS = 40_000
"""In one import; two chunks."""
OF_STREAM = 100
BATCH = 100
SECONDS = 0.7


def against_the_peer(bench: BenchDatabases, recorder: Recorder) -> None:
    """Import of events against the peer's batches of a hundred."""
    with (
        logged_in_as(bench.server, ADMIN),
        worker_pool(1, importer, bench.shard) as mine,
        worker_pool(1, peer.appender, bench.peers, BATCH) as theirs,
    ):
        pairs = paired(lambda: _imported(mine), lambda: theirs.run(SECONDS)[0] / SECONDS)
    raw_figures = {"ours/s": pairs.ours, "theirs/s": pairs.theirs}
    recorder.take(
        "bulk import, against eventsourcing's batches of 100", Floor(5, "x"), pairs.ours_by_theirs, raw=raw_figures
    )


def bound(bench: BenchDatabases, recorder: Recorder) -> None:
    """Import of events against a bare COPY of as many rows into a table like ours."""
    raw.make_tables(bench)
    with (
        logged_in_as(bench.server, ADMIN),
        worker_pool(1, importer, bench.shard) as mine,
        worker_pool(1, copier, bench.peers) as theirs,
    ):
        pairs = paired(lambda: _imported(mine), lambda: theirs.run()[0], pairs=7)
    raw_figures = {"ours/s": pairs.ours, "theirs/s": pairs.theirs}
    note = "the rows of the bare COPY are encoded before the clock starts; it makes no heads of streams"
    recorder.take("bulk import, share of a bare COPY", Unbounded("x"), pairs.ours_by_theirs, raw=raw_figures, note=note)


ROWS = (against_the_peer, bound)


def _imported(members: WorkerPool[float]) -> float:
    return members.run()[0]


def importer(shard: Shard, _: int) -> contextlib.AbstractContextManager[Work[float]]:
    """Imports events of new streams; events per second."""
    return in_loop(_importer, shard)


@contextlib.asynccontextmanager
async def _importer(shard: Shard) -> AsyncIterator[Callable[[], Awaitable[float]]]:
    database = ShardDatabase(shard, size=1, kept=0, seconds=60.0, role=Role.ADMIN)
    numbers = itertools.count(time.time_ns())

    async def work() -> float:
        name = f"import-{next(numbers)}"
        events = (ImportedEvent(f"{name}-{number // OF_STREAM}", EVENT) for number in range(EVENTS))
        started = time.perf_counter()
        done = await import_events(database, events, name=name, place=slot)
        if done.stored != EVENTS:
            raise AssertionError(f"{done.stored} of {EVENTS} events were imported")
        return EVENTS / (time.perf_counter() - started)

    yield work


@contextlib.contextmanager
def copier(parameters: dict[str, Any], _: int) -> Iterator[Work[float]]:
    """Copies rows of new streams in one transaction, encoded beforehand; rows per second."""
    with psycopg.connect(autocommit=True, **parameters) as connection:
        numbers = itertools.count(time.time_ns())

        def work() -> float:
            name = f"copied-{next(numbers)}"
            streams = range(EVENTS // OF_STREAM)
            pieces = raw.encoded(row for number in streams for row in raw.rows(f"{name}-{number}", 1, OF_STREAM))
            started = time.perf_counter()
            raw.copy(connection, pieces)
            return EVENTS / (time.perf_counter() - started)

        yield work
