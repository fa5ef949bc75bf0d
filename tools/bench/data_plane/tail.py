"""Reading all events of a shard in order: how fast, and whether any is missed while others write."""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import orjson
import psycopg

from app.events import START, Append, EventStore, Tail
from app.topology import Shard
from tools.bench.data_plane import group_commit, ours, peer
from tools.bench.data_plane.databases import BenchDatabases
from tools.bench.data_plane.ours import EVENT, in_loop, opened, slot
from tools.bench.data_plane.server import ADMIN, logged_in_as
from tools.bench.data_plane.worker_pool import Work, worker_pool
from tools.bench.measurement import Floor, Limit, Recorder
from tools.bench.slices import paired

EVENTS = 20_000
BATCH = 100
PAGE = 1000
WRITERS = 4
CALLERS = 16
"""In each of the writers: their appends share transactions of different lengths, so that these overlap."""
WRITING_SECONDS = 2.0
FOLLOWING_SECONDS = 3.0
"""Longer, so that the last appends are stored before the readers may stop."""
ENOUGH = 50_000
MOST_SLICES = 20

Found = tuple[int, int]
"""Number of events seen, and number of repeats among them."""


def rate(bench: BenchDatabases, recorder: Recorder) -> None:
    """Reading events by pages of the tail."""
    with (
        logged_in_as(bench.server, ours.WRITER),
        worker_pool(1, our_tail, bench.shard) as mine,
        logged_in_as(bench.server, ADMIN),
        worker_pool(1, their_tail, bench.peers) as theirs,
    ):
        pairs = paired(lambda: mine.run()[0], lambda: theirs.run()[0])
    recorder.take(
        "tailing read, against eventsourcing's notification select",
        Floor(1.5, "x"),
        pairs.ours_by_theirs,
        raw={"ours/s": pairs.ours, "theirs/s": pairs.theirs},
        note=f"pages of {PAGE}; both sides decode the JSON of every event",
    )


def nothing_skipped(bench: BenchDatabases, recorder: Recorder) -> None:
    """A tail under four writers, beside a naive one that goes by a serial number."""
    bench.server.settle()
    with (
        logged_in_as(bench.server, ours.WRITER),
        worker_pool(WRITERS, group_commit.callers, bench.followed, CALLERS) as writers,
        worker_pool(1, follower, bench.followed) as tail,
        logged_in_as(bench.server, ADMIN),
        worker_pool(1, naive_follower, bench.server.parameters(bench.followed.database)) as naive,
        ThreadPoolExecutor() as pool,
    ):
        stored, ours_saw, naive_saw, twice = 0, 0, 0, 0
        slices = 0
        while stored < ENOUGH and slices < MOST_SLICES:
            slices += 1
            before = _last_position(bench)
            running = [pool.submit(reader.run, before, FOLLOWING_SECONDS) for reader in (tail, naive)]
            writers.run(WRITING_SECONDS)
            [(seen, doubled)], [(seen_by_naive, _)] = (future.result() for future in running)
            stored += _stored_after(bench, before)
            ours_saw, twice, naive_saw = ours_saw + seen, twice + doubled, naive_saw + seen_by_naive
    figures = {"events": [stored], "writers": [WRITERS]}
    recorder.take("tail under 4 writers: events stored", Floor(ENOUGH, "events"), [stored])
    recorder.take("tail under 4 writers: events skipped", Limit(0, "events"), [stored - ours_saw], raw=figures)
    recorder.take("tail under 4 writers: events seen twice", Limit(0, "events"), [twice], raw=figures)
    recorder.take(
        "naive tail by a serial number, same test: events skipped",
        Floor(1, "events"),
        [stored - naive_saw],
        raw=figures,
        note="it must skip some, or the test would prove nothing",
    )


ROWS = (rate, nothing_skipped)


def _last_position(bench: BenchDatabases) -> int:
    return _number(bench, "select coalesce(max(position), 0) from events", [])


def _stored_after(bench: BenchDatabases, position: int) -> int:
    return _number(bench, "select count(*) from events where position > %s", [position])


def _number(bench: BenchDatabases, question: str, parameters: list[Any]) -> int:
    with bench.server.connect(bench.followed.database) as connection:
        row = connection.execute(question, parameters).fetchone()
    return int(row[0]) if row else 0


def our_tail(shard: Shard, _: int) -> contextlib.AbstractContextManager[Work[float]]:
    """Reads what was stored beforehand from its first event to its last; events per second."""
    return in_loop(_our_tail, shard)


@contextlib.asynccontextmanager
async def _our_tail(shard: Shard) -> AsyncIterator[Callable[[], Awaitable[float]]]:
    async with opened(shard) as database:
        store, tail = EventStore(database), Tail(database)
        stream = f"tailed-{time.time_ns()}"
        await store.append(Append(stream, [EVENT], slot=slot(stream)))
        start = (await store.read(stream))[0].cursor
        for number in range(EVENTS // BATCH):
            await store.append(Append(f"{stream}-{number}", [EVENT] * BATCH, slot=slot(f"{stream}-{number}")))

        async def work() -> float:
            count, total, cursor = 0, 0, start
            started = time.perf_counter()
            while events := await tail.page(cursor, limit=PAGE):
                count += len(events)
                total += sum(event.data["amount"] for event in events)
                cursor = events[-1].cursor
            _check(count, total)
            return count / (time.perf_counter() - started)

        yield work


@contextlib.contextmanager
def their_tail(parameters: dict[str, Any], _: int) -> Iterator[Work[float]]:
    """Reads what was stored beforehand from its first notification to its last; notifications per second."""
    with peer.recorder(parameters) as recorder:
        start = (recorder.max_notification_id() or 0) + 1
        for _ in range(EVENTS // BATCH):
            stream = uuid4()
            recorder.insert_events([peer.event(stream, version) for version in range(1, BATCH + 1)])

        def work() -> float:
            count, total, first = 0, 0, start
            started = time.perf_counter()
            while notifications := recorder.select_notifications(first, PAGE):
                count += len(notifications)
                total += sum(orjson.loads(notification.state)["amount"] for notification in notifications)
                first = notifications[-1].id + 1
            _check(count, total)
            return count / (time.perf_counter() - started)

        yield work


def _check(count: int, total: int) -> None:
    if count != EVENTS or total != EVENTS * 100:
        raise AssertionError(f"{count} events with a sum of {total} were read, not {EVENTS}")


def follower(shard: Shard, _: int) -> contextlib.AbstractContextManager[Work[Found]]:
    """Follows our tail behind a position, for a time and then to its end."""
    return in_loop(_follower, shard)


@contextlib.asynccontextmanager
async def _follower(shard: Shard) -> AsyncIterator[Callable[[int, float], Awaitable[Found]]]:
    async with opened(shard) as database:
        tail = Tail(database)
        cursor = START

        async def work(position: int, seconds: float) -> Found:
            nonlocal cursor
            seen: set[tuple[str, int]] = set()
            read = 0
            end = time.perf_counter() + seconds
            while (events := await tail.page(cursor, limit=PAGE)) or time.perf_counter() < end:
                if events:
                    cursor = events[-1].cursor
                new = [(event.stream, event.version) for event in events if event.position > position]
                read += len(new)
                seen.update(new)
            return len(seen), read - len(seen)

        yield work


@contextlib.contextmanager
def naive_follower(parameters: dict[str, Any], _: int) -> Iterator[Work[Found]]:
    """Asks for what has a higher number than the last one that it saw."""
    with psycopg.connect(autocommit=True, prepare_threshold=0, **parameters) as connection:
        question = "select position from events where position > %s order by position limit %s"

        def work(position: int, seconds: float) -> Found:
            read: list[int] = []
            end = time.perf_counter() + seconds
            while (rows := connection.execute(question, [position, PAGE]).fetchall()) or time.perf_counter() < end:
                read.extend(row[0] for row in rows)
                position = read[-1] if read else position
            return len(set(read)), len(read) - len(set(read))

        yield work
