"""What commands of operators work on: every shard's database, as its administrator."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.database import ShardDatabase
    from app.topology import Directory

SECONDS = 60.0
CONNECTIONS = 4


@asynccontextmanager
async def operator_databases(directory: Directory) -> AsyncIterator[dict[str, ShardDatabase]]:
    """The databases of all shards, by name of the shard."""
    from app.database import Role, ShardDatabase

    async with AsyncExitStack() as stack:
        databases = {}
        for shard in directory.shards:
            database = ShardDatabase(shard, size=CONNECTIONS, kept=0, seconds=SECONDS, role=Role.ADMIN)
            stack.push_async_callback(database.close)
            await database.open()
            databases[shard.name] = database
        yield databases
