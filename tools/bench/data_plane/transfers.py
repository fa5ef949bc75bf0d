"""Transfers between two shards at half of the rate that saturates, near the databases and far from them."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

from app.data_plane import DataPlane
from app.events import NewEvent
from app.personal_data.key_file import FileMasterKey
from app.topology import Directory
from app.transfers import Leg
from tools.bench.data_plane import ours
from tools.bench.data_plane.databases import BenchDatabases
from tools.bench.data_plane.ours import EVENT, in_loop
from tools.bench.data_plane.server import logged_in_as
from tools.bench.data_plane.worker_pool import Work, worker_pool
from tools.bench.delay_proxy import delayed
from tools.bench.measurement import Limit, Recorder
from tools.bench.slices import percentile

ACCOUNTS = 3000
AT_ONCE = 16
"""Transfers under way when saturating: more only wait for each other on this many connections."""
POOL = 16
SATURATING_SECONDS = 3.0
OPEN_SECONDS = 10.0
DELAY_SECONDS = 0.020
GRANTED = NewEvent("Granted", {"amount": 1_000_000}, change=1_000_000)

Latencies = list[float]
Told = tuple[float | None, float]


def on_loopback(bench: BenchDatabases, recorder: Recorder) -> None:
    """Transfers between shards of this machine."""
    _measure(bench, recorder, bench.three, "on loopback", Limit(25, "ms"))


def far_away(bench: BenchDatabases, recorder: Recorder) -> None:
    """Transfers between shards that are 20 ms away in each direction."""
    with delayed(bench.server.address, bench.server.port, seconds=DELAY_SECONDS) as port:
        way = {"address": "127.0.0.1", "port": port}
        far = Directory(slots=4096, shards=[shard.model_copy(update=way) for shard in bench.three.shards])
        _measure(bench, recorder, far, "20 ms away one way", Limit(150, "ms"))


ROWS = (on_loopback, far_away)


def _measure(bench: BenchDatabases, recorder: Recorder, directory: Directory, where: str, limit: Limit) -> None:
    with logged_in_as(bench.server, ours.WRITER), worker_pool(1, transfers, directory) as member:
        member.run(None, 1.0)
        [(saturated, _)] = member.run(None, SATURATING_SECONDS)
        [(reached, latencies)] = member.run(saturated / 2, OPEN_SECONDS)
    recorder.take(
        f"transfers between shards, {where}, 99th percentile at half of saturation",
        limit,
        [1000 * percentile(latencies, 0.99)],
        raw={
            "saturated/s": [saturated],
            "made/s": [reached],
            "median ms": [1000 * percentile(latencies, 0.5)],
        },
        note="Poisson arrivals; all of them between different shards, with a key and a floor",
    )


def transfers(directory: Directory, _: int) -> contextlib.AbstractContextManager[Work[tuple[float, Latencies]]]:
    """Work by (rate, seconds), rate None to saturate; it returns transfers per second and their latencies."""
    return in_loop(_transfers, directory)


@contextlib.asynccontextmanager
async def _transfers(
    directory: Directory,
) -> AsyncIterator[Callable[[float | None, float], Awaitable[tuple[float, Latencies]]]]:
    with TemporaryDirectory() as folder:
        master_key = FileMasterKey.create(Path(folder, "master-key.json"))
    plane = DataPlane(directory, cloud="aws", pool_size=POOL, database_seconds=5.0, master_key=master_key)
    await plane.open()
    try:
        names = [f"transfer-{number}" for number in range(ACCOUNTS)]
        await ours.append_to_each(directory, plane.databases, names, GRANTED)
        load = _Load(plane, _between_shards(directory, names))

        async def work(rate: float | None, seconds: float) -> tuple[float, Latencies]:
            return await (load.saturate(seconds) if rate is None else load.arrivals(rate, seconds))

        yield work
    finally:
        await plane.close()


def _between_shards(directory: Directory, names: list[str]) -> list[tuple[str, str]]:
    neighbours = (pair for pair in pairwise(names))
    return [pair for pair in neighbours if len({directory.place_of(name).shard for name in pair}) == 2]


class _Load:
    """Transfers between pairs of accounts."""

    def __init__(self, plane: DataPlane, pairs: list[tuple[str, str]]) -> None:
        self._plane = plane
        self._pairs = pairs
        self._chance = random.Random(1)  # noqa: S311  reproducible on purpose
        self._latencies: Latencies = []

    async def saturate(self, seconds: float) -> tuple[float, Latencies]:
        self._latencies = []
        started = time.perf_counter()

        async def one() -> None:
            while (now := time.perf_counter()) < started + seconds:
                await self._transfer(now)

        await asyncio.gather(*(one() for _ in range(AT_ONCE)))
        return len(self._latencies) / (time.perf_counter() - started), self._latencies

    async def arrivals(self, rate: float, seconds: float) -> tuple[float, Latencies]:
        self._latencies = []
        started = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for due in _poisson(self._chance, rate, started, seconds):
                if (early := due - time.perf_counter()) > 0:
                    await asyncio.sleep(early)
                group.create_task(self._transfer(due))
        return len(self._latencies) / seconds, self._latencies

    async def _transfer(self, since: float) -> None:
        source, target = self._chance.choice(self._pairs)
        amount = EVENT.change
        key = str(uuid.uuid4())
        out = NewEvent("TransferredOut", {"amount": amount, "transfer": key, "to": target}, change=-amount)
        into = NewEvent("TransferredIn", {"amount": amount, "transfer": key, "source": source}, change=amount)
        await self._plane.transfers.transfer(Leg(source, out, floor=0), Leg(target, into), key=key)
        self._latencies.append(time.perf_counter() - since)


def _poisson(chance: random.Random, rate: float, started: float, seconds: float) -> Iterator[float]:
    due = started
    while (due := due + chance.expovariate(rate)) < started + seconds:
        yield due
