"""The shards as the ledger needs them: where an account lives, its store and its database there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from app.events import EventStore
from app.sharding import Place, Router

Row = tuple[Any, ...]


class Database(Protocol):
    """The database of a shard, as far as read models need it."""

    async def rows(self, statement: str, parameters: Mapping[str, Any]) -> list[Row]:
        """Run a statement that may safely run twice; all its rows."""
        ...


@dataclass(frozen=True)
class Shards:
    """All shards, and the way to the one of an account."""

    router: Router[EventStore]
    databases: Mapping[str, Database]
    """By name of the shard."""

    def at(self, account: str) -> tuple[Place, EventStore]:
        """Where an account lives as far as is known here, and the store there."""
        return self.router.route(account)

    def database(self, account: str) -> Database:
        """The database where an account lives as far as is known here."""
        place, _ = self.router.route(account)
        return self.databases[place.shard]
