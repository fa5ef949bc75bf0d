"""One leader per shard and name: a session-level advisory lock, which the server frees when its holder dies."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

import psycopg
import structlog
import xxhash
from psycopg import AsyncConnection

from app.database.pools import DatabaseUnavailable
from app.sharding import Shard

WORKERS = 2
"""First key of the advisory locks of workers; 1 is that of slots."""

ASK_SECONDS = 1.0
"""Mean time between two attempts to become leader, and between two looks whether the connection still stands."""

log = structlog.get_logger(__name__)


class LeadershipLost(DatabaseUnavailable):
    """The connection that held the lock is gone, so another process may lead by now."""


class Database(Protocol):
    """The database of a shard, as far as leadership needs it."""

    @property
    def shard(self) -> Shard:
        """The shard it is the database of."""
        ...

    def dedicated(self) -> AbstractAsyncContextManager[AsyncConnection[Any]]:
        """A connection of one's own, outside the pool."""
        ...


@contextlib.asynccontextmanager
async def leader(database: Database, name: str, *, ask_seconds: float = ASK_SECONDS) -> AsyncIterator[None]:
    """Wait until this process leads `name` on a shard; the body runs while it does.

    The body is cancelled and LeadershipLost raised once the connection that holds the lock is lost. The other process
    may begin a moment earlier: what must not happen twice needs a lock inside its own transaction besides. Raises
    DatabaseUnavailable where no connection can be had.
    """
    async with database.dedicated() as connection:
        await _acquire(connection, name, ask_seconds)
        log.info("leading", shard=database.shard.name, worker=name)
        async with _while_connected(database, connection, name, ask_seconds):
            yield


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


@contextlib.asynccontextmanager
async def _while_connected(
    database: Database, connection: AsyncConnection[Any], name: str, ask_seconds: float
) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(None) as scope:
            watch = asyncio.create_task(_watch(connection, ask_seconds, scope))
            try:
                yield
            finally:
                watch.cancel()
                await asyncio.wait([watch])
    except TimeoutError:
        if not scope.expired():
            raise
        raise LeadershipLost(database.shard.name, f"the connection by which {name} was led is lost") from None


async def _watch(connection: AsyncConnection[Any], ask_seconds: float, scope: asyncio.Timeout) -> None:
    try:
        while True:
            await asyncio.sleep(ask_seconds)
            await connection.execute("select")
    except psycopg.Error:
        scope.reschedule(asyncio.get_running_loop().time())
