"""Whether the shards themselves believe what the map says: after a restore one of them may be of an earlier time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from app.queries import Reads
from app.sharding.map_store import MapStore
from app.sharding.slot_map import SlotMap
from app.sharding.statements import statement


class Ownership(NamedTuple):
    """Where a shard and the map disagree; slots that are moving are left out."""

    shard: str
    strangers: list[int]
    """Slots that the shard takes writes for, and that the map gives to others, or to this shard in another epoch."""
    missing: list[int]
    """Slots that the map gives to the shard, and that it refuses."""

    @property
    def agrees(self) -> bool:
        """Whether the shard has just what the map gives to it."""
        return not (self.strangers or self.missing)


async def ownership(maps: MapStore, databases: Mapping[str, Reads]) -> list[Ownership]:
    """What each of the shards believes against the map; raises DatabaseUnavailable and NoMap."""
    owned = {
        name: {int(slot): int(epoch) for slot, epoch in await database.rows(statement("owned_epochs"), {})}
        for name, database in databases.items()
    }
    known = await maps.read()
    return [compare(known, shard, slots) for shard, slots in owned.items()]


def compare(known: SlotMap, shard: str, owned: Mapping[int, int]) -> Ownership:
    """What a shard believes, as the epochs of its slots, against the map."""
    moving = {entry.slot for entry in known.moving}
    given = {entry.slot: entry.epoch for entry in known.slots if entry.shard == shard}
    strangers = [slot for slot, epoch in owned.items() if slot not in moving and given.get(slot) != epoch]
    missing = [slot for slot, epoch in given.items() if slot not in moving and owned.get(slot) != epoch]
    return Ownership(shard, sorted(strangers), sorted(missing))
