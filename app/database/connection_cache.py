"""The last used connection of a pool, kept back from the pool: for statements that come one by one."""

from __future__ import annotations

import time
from typing import NamedTuple

from psycopg.pq import TransactionStatus
from psycopg_pool import AsyncConnectionPool

from app.database.greedy_connection import GreedyConnection

Pool = AsyncConnectionPool[GreedyConnection]

KEPT_SECONDS = 60.0
"""A connection returns to its pool after this time; the pool replaces connections that are too old."""


class Checkout(NamedTuple):
    """A connection in use."""

    connection: GreedyConnection
    since: float
    """When it left the pool, by the monotonic clock."""


class ConnectionCache:
    """Keeps one idle connection of a pool; taking it costs a fraction of asking the pool. Waiters come first."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._kept: Checkout | None = None
        self._waiting = 0

    @property
    def idle(self) -> int:
        """Number of idle connections kept here; the pool counts them as used."""
        return int(self._kept is not None)

    async def take(self) -> Checkout:
        """Check out a connection; raise what the pool raises."""
        kept, self._kept = self._kept, None
        if kept is not None:
            return kept
        return Checkout(await self.from_pool(), time.monotonic())

    async def from_pool(self, seconds: float | None = None) -> GreedyConnection:
        """Check out a connection that goes back to the pool itself; raise what the pool raises."""
        await self.release()
        self._waiting += 1
        try:
            return await self._pool.getconn(seconds)
        finally:
            self._waiting -= 1

    async def give(self, checkout: Checkout) -> None:
        """Keep a connection, or return it to the pool if somebody may need it there."""
        connection, since = checkout
        if (
            self._kept is not None
            or self._waiting
            or connection.pgconn.transaction_status != TransactionStatus.IDLE
            or time.monotonic() > since + KEPT_SECONDS
            or self._pool.closed
        ):
            await self._put(connection)
        else:
            self._kept = checkout

    async def release(self) -> None:
        """Return the kept connection to the pool."""
        kept, self._kept = self._kept, None
        if kept is not None:
            await self._put(kept.connection)

    async def _put(self, connection: GreedyConnection) -> None:
        connection.statements.rest()
        await self._pool.putconn(connection)
