"""A process with many clients that transfer at random between streams, and write down what they did and saw.

`python -m tests.app.transfers.clients <directory> <log> <clients> <seed> <stream>…`: until it is terminated, or killed.
A line is written before each call and after it, so that a kill leaves no call untold.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson

from app.database import Databases, DatabaseUnavailable
from app.events import BelowFloor, EventStore, NewEvent
from app.tasks import cancel_and_wait
from app.topology import Directory, read_directory
from app.transfers import LOCK_SECONDS, Leg, Resolver, TransferContended, TransferMetrics, Transferred, Transfers
from tests.app.history import Operation

MOST = 40
"""Most credits in a transfer: sometimes more than a stream has."""


class Log:
    """Lines of a file, each whole whatever kills the process."""

    def __init__(self, file: Path) -> None:
        self._descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def note(self, *what: Any) -> None:
        os.write(self._descriptor, orjson.dumps(what, option=orjson.OPT_APPEND_NEWLINE))


def operations(log: Path) -> Iterator[Operation]:
    """Yield the operations in a log; the outcome of a call without an end is unknown."""
    begun: dict[str, list[Any]] = {}
    for line in log.read_bytes().splitlines():
        what, call, *rest = orjson.loads(line)
        if what == "saw":
            yield Operation(call, "saw", *rest)
        elif what == "began":
            begun[call] = rest
        else:
            mark, source, target, started = begun.pop(call)
            kind, ended, versions = rest
            for stream, version in zip((source, target), versions, strict=True):
                yield Operation(stream, kind, started, ended, version, mark)
    for mark, source, target, started in begun.values():
        yield from (Operation(stream, "unknown", started, started, 0, mark) for stream in (source, target))


class Client:
    """One client, with one call at a time."""

    def __init__(self, name: str, transfers: Transfers, stores: dict[str, EventStore], log: Log) -> None:
        self._name, self._transfers, self._stores, self._log = name, transfers, stores, log
        self._calls = 0

    async def transfer(self, source: str, target: str, amount: int, *, calls: int) -> None:
        """Transfer, and retry with the same key until it is answered, at most `calls` times."""
        mark = f"{self._name}-{self._calls}"
        while calls and not await self._call(mark, source, target, amount):
            calls -= 1

    async def look(self, stream: str) -> None:
        started = time.monotonic()
        try:
            head = await self._stores[stream].head(stream)
        except DatabaseUnavailable:
            return
        self._log.note("saw", stream, started, time.monotonic(), head.version if head else 0)

    async def _call(self, mark: str, source: str, target: str, amount: int) -> bool:
        self._calls += 1
        call = f"{self._name}/{self._calls}"
        self._log.note("began", call, mark, source, target, time.monotonic())
        kind, versions = "unknown", (0, 0)
        try:
            made = await self._transfers.transfer(
                Leg(source, NewEvent("TransferredOut", {"mark": mark}, -amount), floor=0),
                Leg(target, NewEvent("TransferredIn", {"mark": mark}, amount)),
                key=mark,
            )
            kind, versions = _describe(made)
        except (BelowFloor, TransferContended):
            kind = "refused"
        except DatabaseUnavailable:
            pass
        self._log.note("ended", call, kind, time.monotonic(), versions)
        return kind != "unknown"


def _describe(made: Transferred) -> tuple[str, tuple[int, int]]:
    # A transfer that is not settled yet may lack a branch for readers; it appears in the end.
    return "stored" if made.settled else "later", (made.source.version, made.target.version)


async def run(file: str, log: str, clients: str, seed: str, streams: Sequence[str]) -> None:
    directory = read_directory(Path(file))
    common = {"home": "aws", "size": 4, "seconds": 3}
    waiting = Databases(directory.shards, **common, lock_seconds=LOCK_SECONDS)
    settling = Databases(directory.shards, **common)
    for databases in (waiting, settling):
        await databases.open()
    metrics = TransferMetrics()
    transfers = Transfers(waiting.by_shard, settling.by_shard, directory.place_of, _no_refresh, metrics=metrics)
    participants = transfers.participants
    resolvers = [
        asyncio.create_task(Resolver(participant, participants, metrics).run()) for participant in participants.values()
    ]
    stores = _stores(directory, settling, streams)
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    notes = Log(Path(log))
    await asyncio.gather(
        *(
            _work(Client(f"{seed}.{number}", transfers, stores, notes), random.Random(f"{seed}.{number}"), stopped)
            for number in range(int(clients))
        )
    )
    await transfers.close()
    await cancel_and_wait(resolvers)
    for databases in (waiting, settling):
        await databases.close()


async def _work(client: Client, chance: random.Random, stopped: asyncio.Event) -> None:
    streams = sorted(client._stores)
    while not stopped.is_set():
        source, target = chance.sample(streams, 2)
        if chance.random() < 0.2:
            await client.look(source)
        else:
            await client.transfer(source, target, chance.randint(1, MOST), calls=chance.randint(1, 3))


def _stores(directory: Directory, databases: Databases, streams: Sequence[str]) -> dict[str, EventStore]:
    by_shard = {name: EventStore(database) for name, database in databases.by_shard.items()}
    return {stream: by_shard[directory.place_of(stream).shard] for stream in streams}


async def _no_refresh() -> None:
    raise AssertionError("no slot has moved")


if __name__ == "__main__":
    asyncio.run(run(*sys.argv[1:5], sys.argv[5:]))
