"""Letting a shard in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.queries import Reads
from app.sharding.errors import MapError
from app.sharding.map_store import MapStore
from app.sharding.slot_map import ShardState
from app.sharding.statements import statement
from app.topology import NoLogin

Row = tuple[Any, ...]


class ShardOwnsSlots(MapError):
    """A shard believes that slots are its own which the map gives to others: two would take the same writes."""

    def __init__(self, shard: str, slots: int) -> None:
        super().__init__(
            f"shard {shard} owns {slots} slots by its own table, which the map gives to others: list it in the"
            ' directory with "slots": [] and begin with an empty database'
        )


async def add_shard(maps: MapStore, databases: Mapping[str, Reads], name: str) -> None:
    """Let a shard take slots: a new one, or one that was draining.

    Raises NoLogin where `databases` has none of that name, ShardOwnsSlots, ShardKnown where it takes slots already,
    and DatabaseUnavailable.
    """
    if name not in databases:
        raise NoLogin(name)
    known = await maps.read()
    own = {slot for (slot,) in await databases[name].rows(statement("owned_slots"), {})}
    if strangers := own - {entry.slot for entry in known.slots if entry.shard == name}:
        raise ShardOwnsSlots(name, len(strangers))
    if known.shards.get(name) is ShardState.DRAINING:
        await maps.set_shard_state(name, ShardState.ACTIVE)
    else:
        await maps.add_shard(name)
