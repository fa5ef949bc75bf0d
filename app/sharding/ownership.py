"""The slots that shards own by their own tables, against the slot map: when registering a shard, after a restore."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from app.queries import Reads, query
from app.sharding.errors import MapError
from app.sharding.map_store import MapStore
from app.sharding.slot_map import ShardState, SlotMap
from app.topology import NoLogin


class ShardOwnsSlots(MapError):
    """A shard owns slots that the map gives to others: two shards would take the same writes."""

    def __init__(self, shard: str, slots: int) -> None:
        super().__init__(
            f"shard {shard} owns {slots} slots by its own table, which the map gives to others: list it in the"
            ' directory with "slots": [] and start with an empty database'
        )


class Ownership(NamedTuple):
    """Where a shard and the map disagree. Moving slots are left out."""

    shard: str
    strangers: list[int]
    """Slots that the shard takes writes for, but the map gives to another shard or in another epoch."""
    missing: list[int]
    """Slots that the map gives to the shard, but the shard refuses."""

    @property
    def agrees(self) -> bool:
        """Whether the shard owns exactly the slots that the map gives it."""
        return not (self.strangers or self.missing)


async def register_shard(maps: MapStore, databases: Mapping[str, Reads], name: str) -> None:
    """Let a shard take slots: a new one, or one that was draining.

    Raises NoLogin if `databases` lacks the name, ShardOwnsSlots, ShardKnown if the shard takes slots already, and
    DatabaseUnavailable.
    """
    if name not in databases:
        raise NoLogin(name)
    slot_map = await maps.read()
    owned = {slot for (slot,) in await databases[name].rows(query("sharding.read_owned_slots"), {})}
    if unexpected := owned - {entry.slot for entry in slot_map.slots if entry.shard == name}:
        raise ShardOwnsSlots(name, len(unexpected))
    if slot_map.shards.get(name) is ShardState.DRAINING:
        await maps.set_shard_state(name, ShardState.ACTIVE)
    else:
        await maps.add_shard(name)


async def check_ownership(maps: MapStore, databases: Mapping[str, Reads]) -> list[Ownership]:
    """Compare every shard with the map; raise DatabaseUnavailable and NoMap."""
    owned = {
        name: {int(slot): int(epoch) for slot, epoch in await database.rows(query("sharding.read_owned_epochs"), {})}
        for name, database in databases.items()
    }
    slot_map = await maps.read()
    return [compare(slot_map, shard, epochs) for shard, epochs in owned.items()]


def compare(slot_map: SlotMap, shard: str, owned: Mapping[int, int]) -> Ownership:
    """Compare the epochs of the slots that a shard owns with the map."""
    moving = {entry.slot for entry in slot_map.moving}
    expected = {entry.slot: entry.epoch for entry in slot_map.slots if entry.shard == shard}
    unexpected = [slot for slot, epoch in owned.items() if slot not in moving and expected.get(slot) != epoch]
    missing = [slot for slot, epoch in expected.items() if slot not in moving and owned.get(slot) != epoch]
    return Ownership(shard, sorted(unexpected), sorted(missing))
