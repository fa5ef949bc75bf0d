"""The mark of a decoy's database: without it nothing of the camouflage touches a database, so never a ledger's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from psycopg.errors import InsufficientPrivilege, UndefinedTable

from app.camouflage.errors import NotADecoy
from app.camouflage.key import CamouflageKey
from app.camouflage.statements import statement
from app.queries import Connects, Reads


class Database(Reads, Connects, Protocol):
    """The database of a shard, as its administrator uses it."""


async def install(databases: Mapping[str, Database], key: CamouflageKey, worlds: int) -> None:
    """Mark databases that hold nothing yet, and give them what copies accounts for so many worlds; raises NotADecoy.

    The number of worlds stays what it was at first.
    """
    for name, database in databases.items():
        try:
            [(marked, used)] = await database.rows(statement("is_fresh"), {})
        except UndefinedTable:
            raise NotADecoy(f"the database of shard {name} is not migrated: run fortress migrate up first") from None
        if used and not marked:
            raise NotADecoy(f"the database of shard {name} holds accounts already: decoys need databases of their own")
        async with database.dedicated() as connection:
            await connection.execute(statement("install"), prepare=False)  # several statements
            await connection.execute(statement("mark"), {"mark": _mark(key), "worlds": worlds})
    await check(databases, key)


async def check(databases: Mapping[str, Reads], key: CamouflageKey) -> None:
    """Raises NotADecoy for a database that is no decoy's, or one of another key."""
    for name, database in databases.items():
        try:
            rows = await database.rows(statement("read_mark"), {})
        except (UndefinedTable, InsufficientPrivilege):
            rows = []
        if not rows:
            raise NotADecoy(f"the database of shard {name} is no decoy's: run fortress camouflage prepare")
        if bytes(rows[0][0]) != _mark(key):
            raise NotADecoy(f"the database of shard {name} was prepared with another key")


class Guard:
    """Looks at the mark of a shard before its first use, and never again."""

    def __init__(self, databases: Mapping[str, Reads], key: CamouflageKey) -> None:
        self._databases = databases
        self._key = key
        self._known: set[str] = set()
        self.done = False
        """Whether all shards were looked at."""

    async def admit(self, shard: str) -> None:
        """Raises NotADecoy, and DatabaseUnavailable where it cannot be told."""
        if shard not in self._known:
            await check({shard: self._databases[shard]}, self._key)
            self._known.add(shard)
            self.done = len(self._known) == len(self._databases)


def _mark(key: CamouflageKey) -> bytes:
    return key.of("mark of databases")
