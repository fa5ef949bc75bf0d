"""The database of each shard: a small pool of connections, retries, and a time limit for every statement."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import orjson
import stamina
from psycopg import AsyncConnection, OperationalError
from psycopg.errors import ReadOnlySqlTransaction
from psycopg.types.json import set_json_loads
from psycopg.types.numeric import Int8BinaryLoader
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout

from app.database.connection import Role, connection_parameters
from app.database.connection_cache import ConnectionCache
from app.database.greedy_connection import GreedyConnection
from app.database.login import Login, admin_login, app_login
from app.queries import Row
from app.tasks import TimeLimit
from app.topology import Shard

Connection = AsyncConnection[Row]
Pool = AsyncConnectionPool[GreedyConnection]

ATTEMPTS = 3
"""How often a statement that may run twice is sent before the database counts as unavailable."""
UNAVAILABLE = (OperationalError, PoolClosed, ReadOnlySqlTransaction)
"""Errors that mean the database is unavailable. A nearly full disk or a standby refuses writes: read-only."""
LOST = ("08", "40", "57P")
"""SQLSTATE classes worth a retry (PostgreSQL manual, appendix A): connection, rollback, operator intervention."""
IN_UTC = "-c timezone=UTC"
"""psycopg parses times in UTC twice as fast as in another zone."""
RECONNECT_SECONDS = 3.0
"""How long the pool tries to replace a lost connection; after that the next request makes it try again."""


class DatabaseUnavailable(Exception):
    """A shard's database gave no answer in time. A write may or may not have been stored."""

    def __init__(self, shard: str, reason: str) -> None:
        super().__init__(f"the database of shard {shard} is not available: {reason}")
        self.shard = shard


class ShardDatabase:
    """The database of one shard."""

    def __init__(
        self,
        shard: Shard,
        *,
        size: int,
        kept: int,
        seconds: float,
        lock_seconds: float | None = None,
        login: Login | None = None,
        role: Role = Role.APP,
    ) -> None:
        """Keep `kept` to `size` connections. `seconds` limits a statement, `lock_seconds` its wait for each lock."""
        self.shard = shard
        self._seconds = seconds
        self._lock_seconds = lock_seconds or 0
        self._role = role
        self._login = login or (app_login if role is Role.APP else admin_login)(shard)
        self._pool: Pool = AsyncConnectionPool(
            connection_class=GreedyConnection,
            kwargs=self._parameters,
            configure=_configure,
            min_size=kept,
            max_size=size,
            open=False,
            name=shard.name,
            timeout=seconds,
            reconnect_timeout=RECONNECT_SECONDS,
            num_workers=1,
        )
        self._cache = ConnectionCache(self._pool)

    async def open(self) -> None:
        """Start to connect; do not wait for a connection."""
        await self._pool.open()

    async def close(self) -> None:
        """Close every connection; those in use are closed when they are returned."""
        await self._cache.release()
        await self._pool.close()

    @property
    def statistics(self) -> Mapping[str, int]:
        """Statistics of the pool, as psycopg_pool names them."""
        numbers = self._pool.get_stats()
        return {**numbers, "pool_available": numbers.get("pool_available", 0) + self._cache.idle}

    async def rows(self, statement: str, parameters: Mapping[str, Any], *, seconds: float | None = None) -> list[Row]:
        """Run a statement that may safely run twice, and return all its rows.

        Replaces a lost connection and sends the statement again. Raises DatabaseUnavailable after `seconds` (default:
        the limit of this database).
        """
        return await self._within_limit(self._retry(statement, parameters), seconds)

    async def rows_once(
        self, statement: str, parameters: Mapping[str, Any], *, seconds: float | None = None
    ) -> list[Row]:
        """Run a statement that must not run twice, and return all its rows; raise DatabaseUnavailable."""
        return await self._within_limit(self._run(statement, parameters), seconds)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Lend a connection of the pool in autocommit mode; raise DatabaseUnavailable.

        An open transaction is rolled back at the end.
        """
        try:
            connection = await self._cache.from_pool(self._seconds)
            try:
                async with connection:
                    yield connection
            finally:
                await self._pool.putconn(connection)
        except UNAVAILABLE as error:
            raise DatabaseUnavailable(self.shard.name, _reason(error)) from error

    @asynccontextmanager
    async def dedicated(self) -> AsyncIterator[Connection]:
        """Open a connection outside the pool, to be held long, without a time limit; raise DatabaseUnavailable."""
        try:
            parameters = await self._parameters() | {"options": IN_UTC}
            async with await GreedyConnection.connect(**parameters) as connection:
                await _configure(connection)
                yield connection
        except OperationalError as error:
            raise DatabaseUnavailable(self.shard.name, _reason(error)) from error

    async def _within_limit(self, rows: Awaitable[list[Row]], seconds: float | None) -> list[Row]:
        try:
            with TimeLimit(seconds or self._seconds):
                return await rows
        except TimeoutError:
            raise DatabaseUnavailable(self.shard.name, "no answer in time") from None
        except UNAVAILABLE as error:
            raise DatabaseUnavailable(self.shard.name, _reason(error)) from error

    async def _retry(self, statement: str, parameters: Mapping[str, Any]) -> list[Row]:
        # Nearly every statement ends here: a retry context would take a third of its time.
        try:
            return await self._run(statement, parameters)
        except Exception as error:
            if not _is_lost(error):
                raise
        async for attempt in stamina.retry_context(
            on=_is_lost, attempts=ATTEMPTS - 1, timeout=self._seconds, wait_initial=0.02, wait_max=0.5
        ):
            with attempt:
                await self._cache.release()
                await self._pool.check()
                return await self._run(statement, parameters)
        raise AssertionError("the last attempt returns or raises")

    async def _run(self, statement: str, parameters: Mapping[str, Any]) -> list[Row]:
        # Autocommit: unlike `connection`, there is nothing to commit or roll back.
        checkout = await self._cache.take()
        try:
            return await checkout.connection.statements.rows(statement, parameters)
        finally:
            await self._cache.give(checkout)

    async def _parameters(self) -> dict[str, Any]:
        parameters = await asyncio.to_thread(connection_parameters, self.shard, self._role, self._login)
        # Autocommit: one round trip, and a write is durable when its rows arrive.
        return parameters | {
            "autocommit": True,
            "prepare_threshold": 0,
            "options": f"{IN_UTC} -c statement_timeout={int(self._seconds * 1000)}"
            f" -c lock_timeout={int(self._lock_seconds * 1000)}",
        }


class Databases:
    """The databases of all shards. Those of the home cloud keep a connection open; the others connect on demand."""

    def __init__(
        self, shards: Iterable[Shard], *, home: str, size: int, seconds: float, lock_seconds: float | None = None
    ) -> None:
        self.by_shard = {
            shard.name: ShardDatabase(
                shard, size=size, kept=int(shard.home == home), seconds=seconds, lock_seconds=lock_seconds
            )
            for shard in shards
        }

    async def open(self) -> None:
        """Start to connect."""
        for database in self.by_shard.values():
            await database.open()

    async def close(self) -> None:
        """Close every connection."""
        await asyncio.gather(*(database.close() for database in self.by_shard.values()))


async def _configure(connection: Connection) -> None:
    set_json_loads(orjson.loads, connection)
    connection.adapters.register_loader("xid8", Int8BinaryLoader)


def _is_lost(error: Exception) -> bool:
    """Return whether a retry may help: the connection was lost, or the server rolled the transaction back.

    False if no connection could be made, the statement timed out, or the server is full.
    """
    if not isinstance(error, OperationalError) or isinstance(error, PoolTimeout):
        return False
    return error.sqlstate is None or error.sqlstate.startswith(LOST)


def _reason(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
