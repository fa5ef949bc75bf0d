"""A slot map in memory: for tests that need a map and no server. It passes the contract of every MapStore."""

from __future__ import annotations

from app.sharding import ShardState, SlotEntry, SlotMap


class MemoryMapStore:
    """One map, changed as the pure map changes."""

    def __init__(self, slot_map: SlotMap) -> None:
        self.current = slot_map

    async def read(self) -> SlotMap:
        return self.current

    async def refresh(self, known: SlotMap) -> SlotMap:
        return self.current

    async def begin_move(self, known: SlotEntry, target: str) -> SlotEntry:
        self.current = self.current.with_move_begun(known, target)
        return self.current.slots[known.slot]

    async def finish_move(self, known: SlotEntry) -> SlotEntry:
        self.current = self.current.with_move_finished(known)
        return self.current.slots[known.slot]

    async def abort_move(self, known: SlotEntry) -> SlotEntry:
        self.current = self.current.with_move_aborted(known)
        return self.current.slots[known.slot]

    async def add_shard(self, shard: str) -> None:
        self.current = self.current.with_shard(shard)

    async def set_shard_state(self, shard: str, state: ShardState) -> None:
        self.current = self.current.with_shard_state(shard, state)

    async def remove_shard(self, shard: str) -> None:
        self.current = self.current.without_shard(shard)
