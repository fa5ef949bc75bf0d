"""A connection to one end of a move: queries by name, errors that name the shard, rows piped to the other end."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from psycopg import AsyncConnection, Error, InterfaceError, OperationalError
from psycopg.errors import LockNotAvailable
from psycopg.sql import SQL, Composed, Identifier

from app.database.pools import DatabaseUnavailable
from app.queries import Row, query
from app.sharding.mover.model import Databases
from app.sharding.mover.slot_tables import SLOT_TABLES, CopyStrategy
from app.topology import NoLogin


class ShardConnection:
    """A connection to one shard. If it is lost, DatabaseUnavailable names the shard."""

    def __init__(self, shard: str, connection: AsyncConnection[Row]) -> None:
        self.shard = shard
        self.connection = connection

    async def rows(self, name: str, **parameters: Any) -> list[Row]:
        """Run a query of the mover and return all its rows."""
        with self.naming_errors():
            cursor = await self.connection.execute(find_query(name), parameters)
            return await cursor.fetchall()

    async def value(self, name: str, **parameters: Any) -> Any:
        """Run a query that returns one value."""
        [(value,)] = await self.rows(name, **parameters)
        return value

    async def run(self, name: str, **parameters: Any) -> None:
        """Run a query that returns no rows."""
        with self.naming_errors():
            await self.connection.execute(find_query(name), parameters)

    async def run_composed(self, composed: SQL | Composed) -> None:
        """Run a composed statement that returns no rows."""
        with self.naming_errors():
            await self.connection.execute(composed)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        """Run the block in one transaction."""
        with self.naming_errors():
            async with self.connection.transaction():
                yield

    async def prepare_to_receive(self) -> None:
        """Create the temporary tables that rows arrive in; they live as long as the connection."""
        await self.rows("prepare_to_take_slot")
        for slot_table in SLOT_TABLES:
            if slot_table.copied is not CopyStrategy.NOT_COPIED:
                arrivals = SQL("create temporary table {} (like {}) on commit delete rows").format(
                    Identifier(f"arriving_{slot_table.table}"), Identifier(slot_table.table)
                )
                await self.run_composed(arrivals)

    @contextmanager
    def naming_errors(self) -> Iterator[None]:
        """Raise a lost connection as DatabaseUnavailable with the shard's name."""
        try:
            yield
        except LockNotAvailable:
            raise
        except Error as error:
            if not (isinstance(error, OperationalError | InterfaceError) or self.connection.closed):
                raise
            raise DatabaseUnavailable(self.shard, str(error).partition("\n")[0] or type(error).__name__) from error


def find_query(name: str) -> str:
    """Return the text of a query in the mover's `queries.sql`."""
    return query(f"sharding.mover.{name}")


@asynccontextmanager
async def connect(databases: Databases, shard: str) -> AsyncIterator[ShardConnection]:
    """Connect to a shard; raise NoLogin and DatabaseUnavailable."""
    if shard not in databases:
        raise NoLogin(shard)
    async with databases[shard].dedicated() as connection:
        yield ShardConnection(shard, connection)


async def pipe(
    source: ShardConnection, send: str, target: ShardConnection, receive: str | SQL | Composed, **parameters: Any
) -> None:
    """Stream the rows of the query `send` on the source into the COPY `receive` on the target, block by block."""
    into = find_query(receive) if isinstance(receive, str) else receive
    with target.naming_errors():
        async with target.connection.cursor().copy(into) as incoming:
            async for block in _blocks(source, find_query(send), parameters):
                await incoming.write(block)


async def _blocks(source: ShardConnection, send: str, parameters: dict[str, Any]) -> AsyncIterator[Any]:
    with source.naming_errors():
        async with source.connection.cursor().copy(send, parameters) as outgoing:
            async for block in outgoing:
                yield block
