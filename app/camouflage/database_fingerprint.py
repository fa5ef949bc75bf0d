"""The fingerprint of a decoy database: the camouflage touches no database without it, so never a ledger's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from psycopg.errors import InsufficientPrivilege, UndefinedTable

from app.camouflage.errors import NotADecoy
from app.canaries.key import CamouflageKey
from app.queries import Connects, Reads, query


class Database(Reads, Connects, Protocol):
    """The database of a shard, with the rights of its administrator."""


async def install(databases: Mapping[str, Database], key: CamouflageKey, views: int) -> None:
    """Write the fingerprint and the functions of the decoys into empty databases; raises NotADecoy.

    `views` is the number of prepared views; later calls keep the first number.
    """
    for name, database in databases.items():
        try:
            [(marked, used)] = await database.rows(query("camouflage.is_fresh"), {})
        except UndefinedTable:
            raise NotADecoy(f"the database of shard {name} is not migrated: run fortress migrate up first") from None
        if used and not marked:
            raise NotADecoy(f"the database of shard {name} holds accounts already: decoys need databases of their own")
        async with database.dedicated() as connection:
            await connection.execute(query("camouflage.install"), prepare=False)  # several statements
            await connection.execute(
                query("camouflage.write_fingerprint"), {"fingerprint": _fingerprint(key), "views": views}
            )
    await check(databases, key)


async def check(databases: Mapping[str, Reads], key: CamouflageKey) -> None:
    """Raise NotADecoy for a database without a fingerprint, or with that of another key."""
    for name, database in databases.items():
        try:
            rows = await database.rows(query("camouflage.read_fingerprint"), {})
        except (UndefinedTable, InsufficientPrivilege):
            rows = []
        if not rows:
            raise NotADecoy(f"the database of shard {name} is not prepared for decoys: run fortress decoy prepare")
        if bytes(rows[0][0]) != _fingerprint(key):
            raise NotADecoy(f"the database of shard {name} was prepared with another key")


class FingerprintGuard:
    """Checks the fingerprint of each shard once, before its first use."""

    def __init__(self, databases: Mapping[str, Reads], key: CamouflageKey) -> None:
        self._databases = databases
        self._key = key
        self._checked: set[str] = set()
        self.done = False
        """True once all shards are checked."""

    async def admit(self, shard: str) -> None:
        """Raise NotADecoy, or DatabaseUnavailable if the shard cannot be checked."""
        if shard not in self._checked:
            await check({shard: self._databases[shard]}, self._key)
            self._checked.add(shard)
            self.done = len(self._checked) == len(self._databases)


def _fingerprint(key: CamouflageKey) -> bytes:
    return key.of("mark of databases")
