"""Many callers in one process, each appending one event and waiting for it, against as many clients of pgbench."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable

from app.events import Append, EventStore
from app.topology import Shard
from tools.bench.data_plane import ours, raw
from tools.bench.data_plane.databases import BenchDatabases
from tools.bench.data_plane.ours import EVENT, STREAMS, in_loop, opened, slot
from tools.bench.data_plane.server import logged_in_as
from tools.bench.data_plane.worker_pool import Work, worker_pool
from tools.bench.measurement import Floor, Limit, Recorder, Unbounded
from tools.bench.slices import paired, percentile

CALLERS = 64
SECONDS = 1.0
RUNS_OF_OTHERS = 3

Latencies = list[float]


def group_commit(bench: BenchDatabases, recorder: Recorder) -> None:
    """Single appends of 64 concurrent callers."""
    raw.make_tables(bench)
    seconds: list[Latencies] = []
    with logged_in_as(bench.server, ours.WRITER), worker_pool(1, callers, bench.shard, CALLERS) as mine:

        def appends() -> float:
            [(rate, latencies)] = mine.run(SECONDS)
            seconds.append(latencies)
            return rate

        pairs = paired(appends, lambda: raw.commits_per_second(bench, "like_ours", SECONDS))
        minimal = [raw.commits_per_second(bench, "minimal", SECONDS) for _ in range(RUNS_OF_OTHERS)]
    measured = seconds[1:]
    rates = {"ours/s": pairs.ours, "theirs/s": pairs.theirs}
    recorder.take(
        "64 concurrent appends, against 64-client pgbench, table like ours",
        Floor(1.7, "x"),
        pairs.ours_by_theirs,
        raw=rates,
        note="pgbench inserts into a table of the same columns, partitions and indexes; it keeps no heads of streams",
    )
    recorder.take(
        "64 concurrent appends, 99th percentile of latency",
        Limit(25, "ms"),
        [1000 * percentile([latency for latencies in measured for latency in latencies], 0.99)],
        raw={"of slices": [1000 * percentile(latencies, 0.99) for latencies in measured]},
    )
    middle = sorted(pairs.ours)[len(pairs.ours) // 2]
    recorder.take(
        "64 concurrent appends, against 64-client pgbench, minimal table",
        Unbounded("x"),
        [middle / rate for rate in minimal],
        raw={"theirs/s": minimal},
        note="the least that could hold an event: a serial key and two texts, one index",
    )


ROWS = (group_commit,)


def callers(shard: Shard, count: int, _: int) -> contextlib.AbstractContextManager[Work[tuple[float, Latencies]]]:
    """So many callers at once until the time is over: events per second, and how long each waited, in seconds."""
    return in_loop(_callers, shard, count)


@contextlib.asynccontextmanager
async def _callers(shard: Shard, count: int) -> AsyncIterator[Callable[[float], Awaitable[tuple[float, Latencies]]]]:
    async with opened(shard) as database:
        store = EventStore(database)
        chance = random.Random(1)  # noqa: S311  reproducible on purpose
        names = [f"account-{number}" for number in range(STREAMS)]

        async def work(seconds: float) -> tuple[float, Latencies]:
            waited: Latencies = []
            started = time.perf_counter()
            end = started + seconds

            async def one() -> None:
                now = time.perf_counter()
                while now < end:
                    stream = chance.choice(names)
                    await store.append(Append(stream, [EVENT], slot=slot(stream)))
                    before, now = now, time.perf_counter()
                    waited.append(now - before)

            await asyncio.gather(*(one() for _ in range(count)))
            return len(waited) / (time.perf_counter() - started), waited

        yield work
