"""One leader per shard and name, by a session-level advisory lock: the server frees it when the holder dies."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any, Protocol

import psycopg
import structlog
import xxhash
from psycopg import AsyncConnection

from app.database.pools import DatabaseUnavailable
from app.queries import Connects
from app.tasks import cancel_and_wait
from app.topology import Shard

WORKER_LOCKS = 2
"""First key of the advisory locks of workers; 1 is that of slots, 3 that of moves."""

ASK_SECONDS = 1.0
"""Mean time between two attempts to become leader, and between two checks of the connection."""

UNLOCK_SECONDS = 1.0
"""Longest wait to release one lock; after it the connection is closed, which ends all leaderships on it."""

log = structlog.get_logger(__name__)


class LeadershipLost(DatabaseUnavailable):
    """The connection with the lock is lost: another process may lead by now."""


class Database(Connects, Protocol):
    """The part of a shard's database that leadership needs."""

    @property
    def shard(self) -> Shard:
        """The shard of the database."""
        ...


class _Session:
    """A connection that holds locks of leaderships, and the number of its users."""

    def __init__(self, connection: AsyncConnection[Any], stack: contextlib.AsyncExitStack) -> None:
        self.connection = connection
        self.users = 0
        self._stack = stack

    async def close(self) -> None:
        """Release every lock at once."""
        await self._stack.aclose()


class Leaderships:
    """The leaderships of this process on one shard, held or asked for, all on one connection."""

    def __init__(self, database: Database, *, ask_seconds: float = ASK_SECONDS) -> None:
        self._database = database
        self._ask_seconds = ask_seconds
        self._names: set[str] = set()
        self._session: _Session | None = None
        self._opening = asyncio.Lock()

    async def lead(self, name: str, run: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Wait until this process leads `name` on the shard, then run.

        If the connection with the lock is lost, cancels the run and raises LeadershipLost. The next leader may start a
        moment earlier, so work that must not happen twice needs a lock in its own transaction as well. Raises
        DatabaseUnavailable if it cannot connect, what the run raises, and ValueError if this process leads the name
        already: a session can acquire its own lock again.
        """
        if name in self._names:
            raise ValueError(f"{name} is led twice by one process")
        self._names.add(name)
        try:
            async with self._share(name) as connection:
                await self._acquire(connection, name)
                log.info("leading", shard=self._database.shard.name, worker=name)
                work = asyncio.create_task(run(), name=name)
                watch = asyncio.create_task(self._wait_until_lost(connection))
                try:
                    await asyncio.wait([work, watch], return_when=asyncio.FIRST_COMPLETED)
                finally:
                    await cancel_and_wait([work, watch])
        finally:
            self._names.discard(name)
        if work.cancelled():
            raise LeadershipLost(self._database.shard.name, f"the connection by which {name} was led is lost")
        work.result()

    @contextlib.asynccontextmanager
    async def _share(self, name: str) -> AsyncIterator[AsyncConnection[Any]]:
        """Yield the connection. On exit the lock of the name is free, even if its grant was never confirmed."""
        async with self._opening:
            session = self._session
            if session is None or session.connection.closed:
                session = self._session = await self._open()
            session.users += 1
        try:
            yield session.connection
        finally:
            session.users -= 1
            others_stay = False
            try:
                others_stay = session.users > 0 and await _unlock(session.connection, name)
            finally:
                if not others_stay:
                    self._session = None if self._session is session else self._session
                    await session.close()

    async def _open(self) -> _Session:
        stack = contextlib.AsyncExitStack()
        return _Session(await stack.enter_async_context(self._database.dedicated()), stack)

    async def _acquire(self, connection: AsyncConnection[Any], name: str) -> None:
        """Ask again and again: a statement that waits for the lock would hold a snapshot, and vacuum with it."""
        while True:
            try:
                cursor = await connection.execute("select pg_try_advisory_lock(%s, %s)", [WORKER_LOCKS, lock_key(name)])
                if await cursor.fetchone() == (True,):
                    return
            except (psycopg.OperationalError, psycopg.InterfaceError) as error:
                raise DatabaseUnavailable(self._database.shard.name, str(error).strip()) from error
            await asyncio.sleep(self._ask_seconds * random.uniform(0.5, 1.5))  # noqa: S311  not a secret

    async def _wait_until_lost(self, connection: AsyncConnection[Any]) -> None:
        with contextlib.suppress(psycopg.Error):
            while True:
                await asyncio.sleep(self._ask_seconds)
                await connection.execute("select")


def lock_key(name: str) -> int:
    """Return the second key of the lock of a name: a signed 32-bit integer."""
    return int.from_bytes(xxhash.xxh32_digest(name.encode()), "big", signed=True)


async def _unlock(connection: AsyncConnection[Any], name: str) -> bool:
    """Release the lock; return whether it is known to be free."""
    try:
        async with asyncio.timeout(UNLOCK_SECONDS):
            await connection.execute("select pg_advisory_unlock(%s, %s)", [WORKER_LOCKS, lock_key(name)])
    except (psycopg.Error, TimeoutError):
        return False
    return True
