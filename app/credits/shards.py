"""Shards for the ledger: the place of an account, its store and its database there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app.events import EventStore
from app.queries import Reads
from app.sharding import Router
from app.topology import Place


@dataclass(frozen=True)
class Shards:
    """All shards, and the way to the one of an account."""

    router: Router[EventStore]
    databases: Mapping[str, Reads]
    """By name of the shard."""

    def at(self, account: str) -> tuple[Place, EventStore]:
        """Return the known place of an account, and the store there."""
        return self.router.route(account)

    def database(self, account: str) -> Reads:
        """Return the database at the known place of an account."""
        place, _ = self.router.route(account)
        return self.databases[place.shard]
