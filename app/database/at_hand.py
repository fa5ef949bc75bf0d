"""The connection of a pool that was used last, kept at hand: for statements that come one by one."""

from __future__ import annotations

import time
from typing import NamedTuple

from psycopg.pq import TransactionStatus
from psycopg_pool import AsyncConnectionPool

from app.database.eager import EagerConnection

Pool = AsyncConnectionPool[EagerConnection]

KEPT_SECONDS = 60.0
"""After this a connection goes through its pool once, which replaces those that are too old."""


class Taken(NamedTuple):
    """A connection that is in use."""

    connection: EagerConnection
    since: float


class AtHand:
    """A way to the connections of a pool that costs a fraction of asking the pool, where nobody else is asking."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._kept: Taken | None = None
        self._waiting = 0

    @property
    def idle(self) -> int:
        """How many connections are kept here, which the pool takes for used."""
        return int(self._kept is not None)

    async def take(self) -> Taken:
        """A connection; raises what the pool raises."""
        kept, self._kept = self._kept, None
        if kept is not None:
            return kept
        return Taken(await self.from_pool(), time.monotonic())

    async def from_pool(self, seconds: float | None = None) -> EagerConnection:
        """A connection to be given back to the pool itself; raises what the pool raises."""
        await self.let_go()
        self._waiting += 1
        try:
            return await self._pool.getconn(seconds)
        finally:
            self._waiting -= 1

    async def give(self, taken: Taken) -> None:
        """Keep a connection, or give it back to the pool where somebody may need it there."""
        connection, since = taken
        if (
            self._kept is not None
            or self._waiting
            or connection.pgconn.transaction_status != TransactionStatus.IDLE
            or time.monotonic() > since + KEPT_SECONDS
            or self._pool.closed
        ):
            await self._put(connection)
        else:
            self._kept = taken

    async def let_go(self) -> None:
        """Give back to the pool what is kept."""
        kept, self._kept = self._kept, None
        if kept is not None:
            await self._put(kept.connection)

    async def _put(self, connection: EagerConnection) -> None:
        connection.statements.rest()
        await self._pool.putconn(connection)
