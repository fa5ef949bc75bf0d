"""The two ends of a move: statements by name, errors by name of the shard, rows from one end to the other."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from psycopg import AsyncConnection, Error, InterfaceError, OperationalError
from psycopg.errors import LockNotAvailable
from psycopg.sql import SQL, Composed, Identifier

from app.database.pools import DatabaseUnavailable
from app.sharding.mover.belongings import BELONGINGS, Travels
from app.sharding.mover.model import Databases
from app.sharding.mover.statements import statement
from app.topology import NoLogin

Row = tuple[Any, ...]


class Side:
    """A connection to one shard; where it is lost, DatabaseUnavailable names the shard."""

    def __init__(self, shard: str, connection: AsyncConnection[Row]) -> None:
        self.shard = shard
        self.connection = connection

    async def rows(self, name: str, **parameters: Any) -> list[Row]:
        """All rows of a statement."""
        with self.named():
            cursor = await self.connection.execute(statement(name), parameters)
            return await cursor.fetchall()

    async def value(self, name: str, **parameters: Any) -> Any:
        """The one value of a statement."""
        [(value,)] = await self.rows(name, **parameters)
        return value

    async def change(self, name: str, **parameters: Any) -> int:
        """Run a statement that gives no rows; how many rows it changed."""
        with self.named():
            return (await self.connection.execute(statement(name), parameters)).rowcount

    async def change_of(self, composed: SQL | Composed) -> None:
        """Run a statement that was put together, and gives no rows."""
        with self.named():
            await self.connection.execute(composed)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        """All or nothing."""
        with self.named():
            async with self.connection.transaction():
                yield

    async def prepare_to_take(self) -> None:
        """Make the tables that rows land in, which live as long as the connection."""
        await self.rows("prepare_to_take_slot")
        for each in BELONGINGS:
            if each.travels is not Travels.BY_ITSELF:
                landing = SQL("create temporary table {} (like {}) on commit delete rows").format(
                    Identifier(f"arriving_{each.table}"), Identifier(each.table)
                )
                await self.change_of(landing)

    @contextmanager
    def named(self) -> Iterator[None]:
        """Errors of this connection get the name of its shard."""
        try:
            yield
        except LockNotAvailable:
            raise
        except Error as error:
            if not (isinstance(error, OperationalError | InterfaceError) or self.connection.closed):
                raise
            raise DatabaseUnavailable(self.shard, str(error).partition("\n")[0] or type(error).__name__) from error


@asynccontextmanager
async def side(databases: Databases, shard: str) -> AsyncIterator[Side]:
    """A connection to a shard; raises NoLogin, DatabaseUnavailable."""
    if shard not in databases:
        raise NoLogin(shard)
    async with databases[shard].dedicated() as connection:
        yield Side(shard, connection)


async def pipe(source: Side, give: str, target: Side, land: str | SQL | Composed, **parameters: Any) -> None:
    """Rows from one end to the other as they are on the wire, some at a time."""
    into = statement(land) if isinstance(land, str) else land
    with target.named():
        async with target.connection.cursor().copy(into) as incoming:
            async for block in _blocks(source, statement(give), parameters):
                await incoming.write(block)


async def _blocks(source: Side, give: str, parameters: dict[str, Any]) -> AsyncIterator[Any]:
    with source.named():
        async with source.connection.cursor().copy(give, parameters) as outgoing:
            async for block in outgoing:
                yield block
