"""The slot map as a value: for every slot its shard, its epoch, and whether it is on the move. Pure."""

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
    """Where a slot is in its life."""

    OWNED = "owned"
    MOVING = "moving"
    """Its shard still has it, and another one is being filled."""


class ShardState(StrEnum):
    """What a shard is for."""

    ACTIVE = "active"
    DRAINING = "draining"
    """It keeps what it has until that is moved away, and gets nothing new."""


class SlotEntry(NamedTuple):
    """One slot of the map."""

    slot: int
    shard: str
    """The one shard that takes writes."""
    epoch: int
    """Grows by one whenever the slot changes its shard."""
    state: SlotState
    moving_to: str | None
    changed: int
    """Version of the map that this entry was last changed in: what compare-and-set compares."""


@dataclass(frozen=True)
class SlotMap:
    """The whole map in one version. Every change gives a new one, with the next version, or raises a MapError."""

    version: int
    slots: tuple[SlotEntry, ...]
    shards: Mapping[str, ShardState]

    def entry(self, slot: int) -> SlotEntry:
        """One slot; raises SlotOutOfRange."""
        if not 0 <= slot < len(self.slots):
            raise SlotOutOfRange(slot, len(self.slots))
        return self.slots[slot]

    @cached_property
    def held(self) -> Mapping[str, int]:
        """How many slots each shard has."""
        return dict.fromkeys(self.shards, 0) | Counter(entry.shard for entry in self.slots)

    @property
    def active(self) -> list[str]:
        """Names of the shards that take slots."""
        return sorted(name for name, state in self.shards.items() if state is ShardState.ACTIVE)

    @property
    def moving(self) -> list[SlotEntry]:
        """The slots that are on the move."""
        return [entry for entry in self.slots if entry.state is SlotState.MOVING]

    def state_of(self, shard: str) -> ShardState:
        """State of a shard; raises UnknownShard."""
        if shard not in self.shards:
            raise UnknownShard(shard, self.shards)
        return self.shards[shard]

    def with_move_begun(self, known: SlotEntry, target: str) -> SlotMap:
        """`known` is on its way to `target`; its shard still takes the writes."""
        entry = self._current(known)
        if entry.state is not SlotState.OWNED:
            raise SlotBusy(entry.slot, entry.moving_to or "")
        if target == entry.shard:
            raise SameShard(entry.slot, target)
        if self.state_of(target) is not ShardState.ACTIVE:
            raise ShardNotActive(target)
        return self._with_entry(entry._replace(state=SlotState.MOVING, moving_to=target))

    def with_move_finished(self, known: SlotEntry) -> SlotMap:
        """`known` has arrived: its target takes the writes, one epoch on."""
        entry = self._moving(known)
        return self._with_entry(
            SlotEntry(entry.slot, entry.moving_to or "", entry.epoch + 1, SlotState.OWNED, None, entry.changed)
        )

    def with_move_aborted(self, known: SlotEntry) -> SlotMap:
        """`known` stays where it is."""
        return self._with_entry(self._moving(known)._replace(state=SlotState.OWNED, moving_to=None))

    def with_shard(self, shard: str) -> SlotMap:
        """A new shard without slots takes slots from now on."""
        if shard in self.shards:
            raise ShardKnown(shard)
        return replace(self, version=self.version + 1, shards={**self.shards, shard: ShardState.ACTIVE})

    def with_shard_state(self, shard: str, state: ShardState) -> SlotMap:
        """A shard takes slots, or no more of them; the last one that does must go on."""
        if self.state_of(shard) is state:
            return self
        if state is not ShardState.ACTIVE and self.active == [shard]:
            raise LastShard(shard)
        return replace(self, version=self.version + 1, shards={**self.shards, shard: state})

    def without_shard(self, shard: str) -> SlotMap:
        """A shard that holds nothing is forgotten."""
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
    """The map of a new ledger: `owners` names the shard of every slot, in order of the slots."""
    if len(owners) != SLOTS:
        raise SlotOutOfRange(len(owners), SLOTS)
    entries = (SlotEntry(slot, owner, FIRST_EPOCH, SlotState.OWNED, None, version) for slot, owner in enumerate(owners))
    return SlotMap(version, tuple(entries), dict.fromkeys(shards, ShardState.ACTIVE))
