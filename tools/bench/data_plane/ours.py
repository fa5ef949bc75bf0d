"""Our side: the event store as the app uses it, on shards that its own migrations made."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any

import uvloop

from app.database.pools import Databases, ShardDatabase
from app.events import Append, EventStore, NewEvent, Slot
from app.provisioning.migrate import Migrator
from app.topology import Directory, Shard, parse_directory, slot_of
from tools.bench.data_plane.server import ADMIN, Server, logged_in_as
from tools.bench.data_plane.worker_pool import Work

WRITER = "ledger"
AMOUNT = 100
DATA = {"amount": AMOUNT, "reason": "x" * 174}
STATE = json.dumps(DATA, separators=(",", ":")).encode()
"""What every side stores: an event of 200 bytes."""
STREAMS = 20_000
EVENT = NewEvent("Granted", DATA, change=AMOUNT)
FIRST_EPOCH = 1
AT_ONCE = 1000


def make_shards(server: Server, names: Mapping[str, list[list[int]]]) -> Directory:
    """Migrated databases, each the shard of the slots that it is given."""
    document = {"slots": 4096, "shards": [_shard(server, name, slots) for name, slots in names.items()]}
    directory = parse_directory(json.dumps(document))
    with server.connect() as connection:
        connection.execute("do $$ begin create role rds_iam; exception when duplicate_object then null; end $$")
    with logged_in_as(server, ADMIN):
        for shard in directory.shards:
            server.create_database(shard.database)
            Migrator(shard, directory=directory).up(lambda _: None)
    return directory


def _shard(server: Server, name: str, slots: list[list[int]]) -> dict[str, Any]:
    return {
        "name": name,
        "home": "aws",
        "region": "eu-central-1",
        "host": server.address,
        "port": server.port,
        "database": name.replace("-", "_"),
        "slots": slots,
        "app": {"user": WRITER, "login": "aws-iam"},
        "admin": {"user": ADMIN, "login": "aws-secret"},
        "replicas": [],
    }


@contextlib.asynccontextmanager
async def opened(shard: Shard, *, size: int = 4) -> AsyncIterator[ShardDatabase]:
    """A shard's database with its pool, as the app opens it."""
    database = ShardDatabase(shard, size=size, kept=1, seconds=30.0)
    await database.open()
    try:
        yield database
    finally:
        await database.close()


@contextlib.asynccontextmanager
async def opened_all(directory: Directory) -> AsyncIterator[Databases]:
    """The databases of all shards, as the app opens them."""
    databases = Databases(directory.shards, home="aws", size=4, seconds=30.0)
    await databases.open()
    try:
        yield databases
    finally:
        await databases.close()


def slot(stream: str) -> Slot:
    """Return the slot and epoch that a writer assumes for a stream."""
    return Slot(slot_of(stream), FIRST_EPOCH)


@contextlib.contextmanager
def in_loop(
    context: Callable[..., contextlib.AbstractAsyncContextManager[Callable[..., Awaitable[Any]]]], *arguments: Any
) -> Iterator[Work[Any]]:
    """Asynchronous work as a worker of a pool does it: in the loop that the app runs in, which rests between slices."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        entered = context(*arguments)
        work = runner.run(_enter(entered))
        try:
            yield lambda *parameters: runner.run(_do(work, *parameters))
        finally:
            runner.run(_leave(entered))


async def _enter(context: contextlib.AbstractAsyncContextManager[Any]) -> Any:
    return await context.__aenter__()


async def _do(work: Callable[..., Awaitable[Any]], *parameters: Any) -> Any:
    return await work(*parameters)


async def _leave(context: contextlib.AbstractAsyncContextManager[Any]) -> None:
    await context.__aexit__(None, None, None)


def appender(shard: Shard, batch: int, number: int) -> contextlib.AbstractContextManager[Work[int]]:
    """Append batches to own streams until the time is over; return the number of events."""
    return in_loop(_appender, shard, batch, number)


@contextlib.asynccontextmanager
async def _appender(shard: Shard, batch: int, number: int) -> AsyncIterator[Callable[[float], Awaitable[int]]]:
    async with opened(shard) as database:
        store = EventStore(database)
        streams = [f"batch-{batch}-{number}-{index}-{time.time_ns()}" for index in range(100)]
        events = [EVENT] * batch

        async def work(seconds: float) -> int:
            stored = 0
            end = time.perf_counter() + seconds
            while time.perf_counter() < end:
                stream = streams[(stored // batch) % len(streams)]
                await store.append(Append(stream, events, slot=slot(stream)))
                stored += batch
            return stored

        yield work


async def append_to_each(
    directory: Directory, databases: Databases, streams: Sequence[str], event: NewEvent = EVENT
) -> None:
    """Append one event to each stream, on the shard that holds it."""
    stores = {name: EventStore(database) for name, database in databases.by_shard.items()}
    for first in range(0, len(streams), AT_ONCE):
        some = streams[first : first + AT_ONCE]
        await asyncio.gather(
            *(
                stores[directory.place_of(stream).shard].append(Append(stream, [event], slot=slot(stream)))
                for stream in some
            )
        )
