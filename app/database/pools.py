"""A small pool of connections to each shard's database."""

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

from app.database.at_hand import AtHand
from app.database.connection import Role, connection_parameters
from app.database.eager import EagerConnection
from app.database.login import Login, admin_login, app_login
from app.database.time_limit import TimeLimit
from app.topology import Shard

Row = tuple[Any, ...]
Connection = AsyncConnection[Row]
Pool = AsyncConnectionPool[EagerConnection]

ATTEMPTS = 3
UNAVAILABLE = (OperationalError, PoolClosed, ReadOnlySqlTransaction)
"""The last: clouds let nobody write to a server whose disk is nearly full, and a standby takes no writes."""
LOST = ("08", "40", "57P")
"""Classes of SQLSTATE (PostgreSQL's manual, appendix A): connection, transaction rolled back, operator's shutdown."""
IN_UTC = "-c timezone=UTC"
"""Times are read as UTC: psycopg makes them twice as fast as those of a zone of the server's own."""
RECONNECT_SECONDS = 3.0
"""How long the pool itself tries to replace a connection before it waits for the next request to ask for one."""


class DatabaseUnavailable(Exception):
    """The database of a shard gave no answer in time; whether a write was stored is not known."""

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
        """`lock_seconds`: how long a statement waits for each lock; None leaves that to the limit of the statement."""
        self.shard = shard
        self._seconds = seconds
        self._lock_seconds = lock_seconds or 0
        self._role = role
        self._login = login or (app_login if role is Role.APP else admin_login)(shard)
        self._pool: Pool = AsyncConnectionPool(
            connection_class=EagerConnection,
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
        self._at_hand = AtHand(self._pool)

    async def open(self) -> None:
        """Start to connect, without waiting for it."""
        await self._pool.open()

    async def close(self) -> None:
        """Close every connection; those in use when they are given back."""
        await self._at_hand.let_go()
        await self._pool.close()

    @property
    def statistics(self) -> Mapping[str, int]:
        """Numbers of the pool, as the pool library names them."""
        numbers = self._pool.get_stats()
        return {**numbers, "pool_available": numbers.get("pool_available", 0) + self._at_hand.idle}

    async def rows(self, statement: str, parameters: Mapping[str, Any], *, seconds: float | None = None) -> list[Row]:
        """Run a statement that may safely run twice; all its rows.

        A lost connection is replaced and the statement sent again. Raises DatabaseUnavailable, after `seconds` at most
        (default: what this database was set up with).
        """
        return await self._in_time(self._persistently(statement, parameters), seconds)

    async def rows_once(
        self, statement: str, parameters: Mapping[str, Any], *, seconds: float | None = None
    ) -> list[Row]:
        """Run a statement that is not to run twice; all its rows. Raises DatabaseUnavailable, as `rows` does."""
        return await self._in_time(self._once(statement, parameters), seconds)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A connection of the pool, each statement a transaction unless one is begun; raises DatabaseUnavailable.

        What is left open in it is rolled back.
        """
        try:
            connection = await self._at_hand.from_pool(self._seconds)
            try:
                async with connection:
                    yield connection
            finally:
                await self._pool.putconn(connection)
        except UNAVAILABLE as error:
            raise DatabaseUnavailable(self.shard.name, _reason(error)) from error

    @asynccontextmanager
    async def dedicated(self) -> AsyncIterator[Connection]:
        """A connection of its own, for what holds one long: no limit on the time of a statement.

        Raises DatabaseUnavailable.
        """
        try:
            parameters = await self._parameters() | {"options": IN_UTC}
            async with await EagerConnection.connect(**parameters) as connection:
                await _configure(connection)
                yield connection
        except OperationalError as error:
            raise DatabaseUnavailable(self.shard.name, _reason(error)) from error

    async def _in_time(self, rows: Awaitable[list[Row]], seconds: float | None) -> list[Row]:
        try:
            with TimeLimit(seconds or self._seconds):
                return await rows
        except TimeoutError:
            raise DatabaseUnavailable(self.shard.name, "no answer in time") from None
        except UNAVAILABLE as error:
            raise DatabaseUnavailable(self.shard.name, _reason(error)) from error

    async def _persistently(self, statement: str, parameters: Mapping[str, Any]) -> list[Row]:
        # Nearly every statement ends here: keeping account of attempts would take a third of its time.
        try:
            return await self._once(statement, parameters)
        except Exception as error:
            if not _is_lost(error):
                raise
        async for attempt in stamina.retry_context(
            on=_is_lost, attempts=ATTEMPTS - 1, timeout=self._seconds, wait_initial=0.02, wait_max=0.5
        ):
            with attempt:
                await self._at_hand.let_go()
                await self._pool.check()
                return await self._once(statement, parameters)
        raise AssertionError("the last attempt returns or raises")

    async def _once(self, statement: str, parameters: Mapping[str, Any]) -> list[Row]:
        # A statement is its own transaction here: there is none to commit or roll back, as `connection` would.
        taken = await self._at_hand.take()
        try:
            return await taken.connection.statements.rows(statement, parameters)
        finally:
            await self._at_hand.give(taken)

    async def _parameters(self) -> dict[str, Any]:
        parameters = await asyncio.to_thread(connection_parameters, self.shard, self._role, self._login)
        # A statement is its own transaction: one round trip, and durable when its rows arrive.
        return parameters | {
            "autocommit": True,
            "prepare_threshold": 0,
            "options": f"{IN_UTC} -c statement_timeout={int(self._seconds * 1000)}"
            f" -c lock_timeout={int(self._lock_seconds * 1000)}",
        }


class Databases:
    """The databases of all shards; those at home keep a connection, the others connect when they are needed."""

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
    """Whether another attempt may do better: the connection was lost, or the server chose this one to give way.

    Not where no connection could be had, where the statement took too long, or where the server has no room.
    """
    if not isinstance(error, OperationalError) or isinstance(error, PoolTimeout):
        return False
    return error.sqlstate is None or error.sqlstate.startswith(LOST)


def _reason(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
