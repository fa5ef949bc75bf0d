"""The shards as the ledger needs them: where an account lives, its store and its database there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.events import EventStore
from app.queries import Reads
from app.sharding import Router
from app.topology import Place

Row = tuple[Any, ...]


@dataclass(frozen=True)
class Shards:
    """All shards, and the way to the one of an account."""

    router: Router[EventStore]
    databases: Mapping[str, Reads]
    """By name of the shard."""

    def at(self, account: str) -> tuple[Place, EventStore]:
        """Where an account lives as far as is known here, and the store there."""
        return self.router.route(account)

    def database(self, account: str) -> Reads:
        """The database where an account lives as far as is known here."""
        place, _ = self.router.route(account)
        return self.databases[place.shard]
