"""One leader per shard and name: a session-level advisory lock, which the server frees when its holder dies."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

import psycopg
import structlog
import xxhash
from psycopg import AsyncConnection

from app.cancellation import end
from app.database.pools import DatabaseUnavailable
from app.sharding import Shard
from app.statements import Connects

WORKERS = 2
"""First key of the advisory locks of workers; 1 is that of slots."""

ASK_SECONDS = 1.0
"""Mean time between two attempts to become leader, and between two looks whether the connection still stands."""

log = structlog.get_logger(__name__)


class LeadershipLost(DatabaseUnavailable):
    """The connection that held the lock is gone, so another process may lead by now."""


class Database(Connects, Protocol):
    """The database of a shard, as far as leadership needs it."""

    @property
    def shard(self) -> Shard:
        """The shard it is the database of."""
        ...


async def lead(
    database: Database, name: str, run: Callable[[], Coroutine[Any, Any, None]], *, ask_seconds: float = ASK_SECONDS
) -> None:
    """Wait until this process leads `name` on a shard, then run.

    Once the connection that holds the lock is lost, the run is cancelled and LeadershipLost raised. The next process
    may begin a moment earlier: what must not happen twice needs a lock inside its own transaction besides. Raises
    DatabaseUnavailable where no connection can be had, and what the run raises.
    """
    async with database.dedicated() as connection:
        await _acquire(connection, name, ask_seconds)
        log.info("leading", shard=database.shard.name, worker=name)
        work = asyncio.create_task(run(), name=name)
        watch = asyncio.create_task(_until_lost(connection, ask_seconds))
        try:
            await asyncio.wait([work, watch], return_when=asyncio.FIRST_COMPLETED)
        finally:
            await end([work, watch])
    if work.cancelled():
        raise LeadershipLost(database.shard.name, f"the connection by which {name} was led is lost")
    work.result()


def lock_key(name: str) -> int:
    """The second key of the lock of a name: a signed 32-bit integer."""
    return int.from_bytes(xxhash.xxh32_digest(name.encode()), "big", signed=True)


async def _acquire(connection: AsyncConnection[Any], name: str, ask_seconds: float) -> None:
    """Ask again and again: a statement that waits for the lock would hold a snapshot, and vacuum with it."""
    while True:
        cursor = await connection.execute("select pg_try_advisory_lock(%s, %s)", [WORKERS, lock_key(name)])
        if await cursor.fetchone() == (True,):
            return
        await asyncio.sleep(ask_seconds * random.uniform(0.5, 1.5))  # noqa: S311  not for secrets


async def _until_lost(connection: AsyncConnection[Any], ask_seconds: float) -> None:
    with contextlib.suppress(psycopg.Error):
        while True:
            await asyncio.sleep(ask_seconds)
            await connection.execute("select")
