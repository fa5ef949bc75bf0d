"""The slot map as a value: the shard, epoch and state of every slot. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from typing import NamedTuple

from app.sharding.errors import (
    LastShard,
    SameShard,
    ShardKnown,
    ShardNotActive,
    ShardNotEmpty,
    SlotBusy,
    SlotNotMoving,
    SlotOutOfRange,
    StaleMap,
    UnknownShard,
)
from app.topology import SLOTS

FIRST_EPOCH = 1


class SlotState(StrEnum):
    """Whether a slot is moving."""

    OWNED = "owned"
    MOVING = "moving"
    """Its shard still takes writes, and another shard receives a copy."""


class ShardState(StrEnum):
    """Whether a shard takes slots."""

    ACTIVE = "active"
    DRAINING = "draining"
    """It keeps its slots until they are moved away, and gets no new ones."""


class SlotEntry(NamedTuple):
    """The entry of one slot in the map."""

    slot: int
    shard: str
    """The shard that takes writes."""
    epoch: int
    """Goes up by one with each move of the slot."""
    state: SlotState
    moving_to: str | None
    changed: int
    """Version of the map that last changed this entry; compare-and-set compares it."""


@dataclass(frozen=True)
class SlotMap:
    """One version of the whole map. A change returns the next version, or raises a MapError."""

    version: int
    slots: tuple[SlotEntry, ...]
    shards: Mapping[str, ShardState]

    def entry(self, slot: int) -> SlotEntry:
        """Return the entry of a slot; raise SlotOutOfRange."""
        if not 0 <= slot < len(self.slots):
            raise SlotOutOfRange(slot, len(self.slots))
        return self.slots[slot]

    @cached_property
    def held(self) -> Mapping[str, int]:
        """Number of slots of each shard."""
        return dict.fromkeys(self.shards, 0) | Counter(entry.shard for entry in self.slots)

    @property
    def active(self) -> list[str]:
        """Names of the shards that take slots."""
        return sorted(name for name, state in self.shards.items() if state is ShardState.ACTIVE)

    @property
    def moving(self) -> list[SlotEntry]:
        """The entries of moving slots."""
        return [entry for entry in self.slots if entry.state is SlotState.MOVING]

    def state_of(self, shard: str) -> ShardState:
        """Return the state of a shard; raise UnknownShard."""
        if shard not in self.shards:
            raise UnknownShard(shard, self.shards)
        return self.shards[shard]

    def with_move_begun(self, known: SlotEntry, target: str) -> SlotMap:
        """Mark `known` as moving to `target`; its shard still takes the writes."""
        entry = self._current(known)
        if entry.state is not SlotState.OWNED:
            raise SlotBusy(entry.slot, entry.moving_to or "")
        if target == entry.shard:
            raise SameShard(entry.slot, target)
        if self.state_of(target) is not ShardState.ACTIVE:
            raise ShardNotActive(target)
        return self._with_entry(entry._replace(state=SlotState.MOVING, moving_to=target))

    def with_move_finished(self, known: SlotEntry) -> SlotMap:
        """Give `known` to its target, in the next epoch."""
        entry = self._moving(known)
        return self._with_entry(
            SlotEntry(entry.slot, entry.moving_to or "", entry.epoch + 1, SlotState.OWNED, None, entry.changed)
        )

    def with_move_aborted(self, known: SlotEntry) -> SlotMap:
        """Leave `known` on its shard."""
        return self._with_entry(self._moving(known)._replace(state=SlotState.OWNED, moving_to=None))

    def with_shard(self, shard: str) -> SlotMap:
        """Add a shard without slots."""
        if shard in self.shards:
            raise ShardKnown(shard)
        return replace(self, version=self.version + 1, shards={**self.shards, shard: ShardState.ACTIVE})

    def with_shard_state(self, shard: str, state: ShardState) -> SlotMap:
        """Set whether a shard takes slots; the last shard that does cannot stop."""
        if self.state_of(shard) is state:
            return self
        if state is not ShardState.ACTIVE and self.active == [shard]:
            raise LastShard(shard)
        return replace(self, version=self.version + 1, shards={**self.shards, shard: state})

    def without_shard(self, shard: str) -> SlotMap:
        """Remove a shard without slots."""
        if self.state_of(shard) is ShardState.ACTIVE and self.active == [shard]:
            raise LastShard(shard)
        if held := sum(shard in (entry.shard, entry.moving_to) for entry in self.slots):
            raise ShardNotEmpty(shard, held)
        left = {name: state for name, state in self.shards.items() if name != shard}
        return replace(self, version=self.version + 1, shards=left)

    def _current(self, known: SlotEntry) -> SlotEntry:
        entry = self.entry(known.slot)
        if entry.changed != known.changed:
            raise StaleMap(known.slot, known.changed, entry.changed)
        return entry

    def _moving(self, known: SlotEntry) -> SlotEntry:
        entry = self._current(known)
        if entry.state is not SlotState.MOVING:
            raise SlotNotMoving(entry.slot)
        return entry

    def _with_entry(self, entry: SlotEntry) -> SlotMap:
        version = self.version + 1
        slots = (*self.slots[: entry.slot], entry._replace(changed=version), *self.slots[entry.slot + 1 :])
        return replace(self, version=version, slots=slots)


def first_map(owners: Sequence[str], shards: Sequence[str], *, version: int = 1) -> SlotMap:
    """Return the map of a new ledger; `owners` is the shard of every slot, in slot order."""
    if len(owners) != SLOTS:
        raise SlotOutOfRange(len(owners), SLOTS)
    entries = (SlotEntry(slot, owner, FIRST_EPOCH, SlotState.OWNED, None, version) for slot, owner in enumerate(owners))
    return SlotMap(version, tuple(entries), dict.fromkeys(shards, ShardState.ACTIVE))
