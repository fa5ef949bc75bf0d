"""From a key to the store that holds it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from app.sharding.directory import Directory, Place

Store = TypeVar("Store")


@dataclass(frozen=True)
class Router(Generic[Store]):
    """Knows the store of every shard."""

    directory: Directory
    stores: Mapping[str, Store]
    """By name of the shard."""

    def route(self, key: str) -> tuple[Place, Store]:
        """Where a key lives, and the store there."""
        place = self.directory.place_of(key)
        return place, self.stores[place.shard]
