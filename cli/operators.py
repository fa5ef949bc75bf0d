"""What commands of operators work on: every shard's database, as its administrator."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
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


@contextmanager
def progress(what: str) -> Iterator[Callable[[int, int | None], None]]:
    """A bar on a terminal's standard error, told how much of how much is done; elsewhere nothing."""
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
