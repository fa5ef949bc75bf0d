"""Replay: read and decode a stream of a thousand events, as a state is rebuilt from it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any
from uuid import uuid4

import orjson

from app.events import Append, EventStore
from app.topology import Shard
from tools.bench.data_plane import ours, peer
from tools.bench.data_plane.databases import BenchDatabases
from tools.bench.data_plane.ours import AMOUNT, EVENT, in_loop, opened, slot
from tools.bench.data_plane.server import ADMIN, logged_in_as
from tools.bench.data_plane.worker_pool import Work, worker_pool
from tools.bench.measurement import Floor, Limit, Recorder
from tools.bench.slices import paired

EVENTS = 1000
BATCH = 100
SECONDS = 0.7
EXPECTED = EVENTS * AMOUNT


def replay(bench: BenchDatabases, recorder: Recorder) -> None:
    """Replay of a stream of 1,000 events."""
    with (
        logged_in_as(bench.server, ours.WRITER),
        worker_pool(1, our_reader, bench.shard) as mine,
        logged_in_as(bench.server, ADMIN),
        worker_pool(1, their_reader, bench.peers) as theirs,
    ):
        pairs = paired(lambda: mine.run(SECONDS)[0], lambda: theirs.run(SECONDS)[0])
    recorder.take(
        "replay of 1,000 events, against eventsourcing",
        Floor(2, "x"),
        pairs.ours_by_theirs,
        raw={"ours/s": pairs.ours, "theirs/s": pairs.theirs},
        note="both sides read what a state is folded from, decode the JSON of every event and add up its amount",
    )
    recorder.take("replay of 1,000 events", Limit(10, "ms"), [1000 / rate for rate in pairs.ours])


ROWS = (replay,)


def our_reader(shard: Shard, _: int) -> contextlib.AbstractContextManager[Work[float]]:
    """Replays per second of a stream in our store."""
    return in_loop(_our_reader, shard)


@contextlib.asynccontextmanager
async def _our_reader(shard: Shard) -> AsyncIterator[Callable[[float], Awaitable[float]]]:
    async with opened(shard) as database:
        store = EventStore(database)
        stream = f"replayed-{time.time_ns()}"
        for _ in range(EVENTS // BATCH):
            await store.append(Append(stream, [EVENT] * BATCH, slot=slot(stream)))

        async def work(seconds: float) -> float:
            done, started = 0, time.perf_counter()
            while time.perf_counter() < started + seconds:
                events = await store.read_past(stream, limit=EVENTS)
                _check(sum(event.data["amount"] for event in events))
                done += 1
            return done / (time.perf_counter() - started)

        yield work


@contextlib.contextmanager
def their_reader(parameters: dict[str, Any], _: int) -> Iterator[Work[float]]:
    """Replays per second of an originator in the peer's recorder."""
    with peer.recorder(parameters) as recorder:
        stream = uuid4()
        for first in range(1, EVENTS, BATCH):
            recorder.insert_events([peer.event(stream, version) for version in range(first, first + BATCH)])

        def work(seconds: float) -> float:
            done, started = 0, time.perf_counter()
            while time.perf_counter() < started + seconds:
                events = recorder.select_events(stream)
                _check(sum(orjson.loads(event.state)["amount"] for event in events))
                done += 1
            return done / (time.perf_counter() - started)

        yield work


def _check(total: int) -> None:
    if total != EXPECTED:
        raise AssertionError(f"{EVENTS} events add up to {EXPECTED}, not to {total}")
