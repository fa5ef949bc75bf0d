"""Cost of an idempotency key and of a snapshot, in processor time of client and server."""

from __future__ import annotations

import contextlib
import os
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable

from app.events import Append, EventStore, NewSnapshot
from app.topology import Shard
from tools.bench.data_plane import ours
from tools.bench.data_plane.databases import BenchDatabases
from tools.bench.data_plane.ours import EVENT, in_loop, opened, slot
from tools.bench.data_plane.server import logged_in_as
from tools.bench.data_plane.worker_pool import Work, WorkerPool, worker_pool
from tools.bench.measurement import Limit, Recorder
from tools.bench.processes import processor_seconds
from tools.bench.slices import paired

APPENDS = 1000
"""In one slice; several times as many as there are from one snapshot to the next."""
EVERY = 100
PAIRS = 21
STATE = {"available": 12_345, "reserved": 0, "grants": [{"amount": 100, "left": 45}] * 5}

PLAIN, KEYED, SNAPSHOTS = "plain", "keyed", "snapshots"


def keys(bench: BenchDatabases, recorder: Recorder) -> None:
    """Idempotency keys on single appends."""
    _cost(bench, recorder, "cost of idempotency keys on single appends (CPU)", KEYED, Limit(15, "%"))


def snapshots(bench: BenchDatabases, recorder: Recorder) -> None:
    """A snapshot with every hundredth append."""
    _cost(bench, recorder, "cost of snapshots on single appends (CPU)", SNAPSHOTS, Limit(2, "%"))


ROWS = (keys, snapshots)


def _cost(bench: BenchDatabases, recorder: Recorder, name: str, way: str, limit: Limit) -> None:
    shard = bench.shard
    with logged_in_as(bench.server, ours.WRITER), worker_pool(1, appender, shard) as member:
        pairs = paired(
            lambda: _per_append(bench, shard, member, way),
            lambda: _per_append(bench, shard, member, PLAIN),
            pairs=PAIRS,
        )
    recorder.take(name, limit, pairs.extra_percent, raw={"with us": pairs.ours, "without us": pairs.theirs})


def _per_append(bench: BenchDatabases, shard: Shard, member: WorkerPool[float], way: str) -> float:
    """Microseconds of processor time for each append, in the process that appends and in those that serve it."""
    backends = bench.server.backends(shard.database)
    before = processor_seconds(backends)
    [client] = member.run(way)
    return 1e6 * (client + processor_seconds(backends) - before) / APPENDS


def appender(shard: Shard, _: int) -> contextlib.AbstractContextManager[Work[float]]:
    """Appends a thousand events to one stream in one of the ways; the processor time of this process, in seconds."""
    return in_loop(_appender, shard)


@contextlib.asynccontextmanager
async def _appender(shard: Shard) -> AsyncIterator[Callable[[str], Awaitable[float]]]:
    async with opened(shard, size=1) as database:
        store = EventStore(database)
        await store.probe()

        async def work(way: str) -> float:
            stream = f"cost-{time.time_ns()}"
            place = slot(stream)
            started = processor_seconds([os.getpid()])
            for version in range(APPENDS):
                snapshot = NewSnapshot(1, STATE) if way == SNAPSHOTS and (version + 1) % EVERY == 0 else None
                key = str(uuid.uuid4()) if way == KEYED else None
                await store.append(
                    Append(
                        stream, [EVENT], slot=place, expected_version=version, idempotency_key=key, snapshot=snapshot
                    )
                )
            return processor_seconds([os.getpid()]) - started

        yield work
