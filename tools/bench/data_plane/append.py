"""Durable appends: against the peer's recorder, and against the server's own bound."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from tools.bench.data_plane import ours, peer, raw
from tools.bench.data_plane.databases import BenchDatabases
from tools.bench.data_plane.server import ADMIN, logged_in_as
from tools.bench.data_plane.worker_pool import WorkerPool, worker_pool
from tools.bench.measurement import Floor, Recorder, Unbounded
from tools.bench.slices import Pairs, paired

SECONDS = 1.0
BATCH = 100


def one_writer(bench: BenchDatabases, recorder: Recorder) -> None:
    """Single appends by one writer."""
    pairs = _against_the_peer(bench, writers=1, batch=1)
    recorder.take("append, 1 writer, against eventsourcing", Floor(2, "x"), pairs.ours_by_theirs, raw=_raw(pairs))


def four_writers(bench: BenchDatabases, recorder: Recorder) -> None:
    """Single appends by four writers, each a process."""
    pairs = _against_the_peer(bench, writers=4, batch=1)
    recorder.take("append, 4 writers, against eventsourcing", Floor(3, "x"), pairs.ours_by_theirs, raw=_raw(pairs))


def batches(bench: BenchDatabases, recorder: Recorder) -> None:
    """Batches of a hundred events by one writer."""
    pairs = _against_the_peer(bench, writers=1, batch=BATCH)
    recorder.take(
        "append, batches of 100, against eventsourcing", Floor(2.5, "x"), pairs.ours_by_theirs, raw=_raw(pairs)
    )


def bound_of_single_inserts(bench: BenchDatabases, recorder: Recorder) -> None:
    """Single appends by one writer against bare INSERTs into a table like ours."""
    pairs = _against_bare_inserts(bench, batch=1)
    recorder.take("append, 1 writer, share of a bare INSERT", Unbounded("x"), pairs.ours_by_theirs, raw=_raw(pairs))


def bound_of_batches(bench: BenchDatabases, recorder: Recorder) -> None:
    """Batches of a hundred events against bare INSERTs of a hundred rows."""
    pairs = _against_bare_inserts(bench, batch=BATCH)
    recorder.take(
        "append, batches of 100, share of a bare INSERT", Unbounded("x"), pairs.ours_by_theirs, raw=_raw(pairs)
    )


ROWS = (one_writer, four_writers, batches, bound_of_single_inserts, bound_of_batches)


def _against_the_peer(bench: BenchDatabases, *, writers: int, batch: int) -> Pairs:
    with (
        our_writers(bench, writers, batch) as mine,
        logged_in_as(bench.server, ADMIN),
        worker_pool(writers, peer.appender, bench.peers, batch) as theirs,
    ):
        return paired(lambda: _rate(mine), lambda: _rate(theirs))


def _against_bare_inserts(bench: BenchDatabases, *, batch: int) -> Pairs:
    raw.make_tables(bench)
    with our_writers(bench, 1, batch) as mine, worker_pool(1, raw.inserter, bench.peers, batch) as theirs:
        return paired(lambda: _rate(mine), lambda: _rate(theirs))


@contextlib.contextmanager
def our_writers(bench: BenchDatabases, writers: int, batch: int) -> Iterator[WorkerPool[int]]:
    """Processes that append to our one shard."""
    with logged_in_as(bench.server, ours.WRITER), worker_pool(writers, ours.appender, bench.shard, batch) as mine:
        yield mine


def _rate(members: WorkerPool[int]) -> float:
    return sum(members.run(SECONDS)) / SECONDS


def _raw(pairs: Pairs) -> dict[str, tuple[float, ...]]:
    return {"ours/s": pairs.ours, "theirs/s": pairs.theirs}
