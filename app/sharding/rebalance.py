"""Plans of slot moves that bring every shard near its target load with few moves. Pure.

The weight of a slot is the mean of its shares of all slots, all bytes and all writes, as far as they are known. Even an
empty slot has weight, because accounts will come to it. The plan is greedy: the shard furthest above its target gives
the heaviest slot that fits to the shard furthest below, until all are within the tolerance or no move helps.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from app.sharding.errors import LastShard
from app.sharding.slot_map import ShardState, SlotEntry, SlotMap, SlotState

TOLERANCE = 0.005
"""Allowed distance of a shard from its target, as a share of the average shard's load."""
UNIT = 10**12
"""Weight of all slots together. Weights are integers, so that a plan is the same everywhere."""


class SlotLoad(NamedTuple):
    """The size and write rate of a slot."""

    bytes: int = 0
    writes: float = 0.0
    """Events per second."""


NO_LOAD = SlotLoad()
Loads = Mapping[int, SlotLoad]
"""Loads by slot; a slot that is left out is empty."""


class Move(NamedTuple):
    """A move of one slot."""

    slot: int
    source: str
    target: str


class Share(NamedTuple):
    """The slots and load of a shard."""

    slots: int = 0
    bytes: int = 0
    writes: float = 0.0
    weight: float = 0.0
    """Share of the total weight, 0 to 1."""


@dataclass(frozen=True)
class Plan:
    """Planned moves, and the share of every shard before and after them."""

    moves: tuple[Move, ...]
    before: Mapping[str, Share]
    after: Mapping[str, Share]
    bytes: int
    """Bytes that the moves copy, as far as sizes are known."""


def plan_rebalance(
    slot_map: SlotMap,
    loads: Loads | None = None,
    *,
    capacities: Mapping[str, float] | None = None,
    tolerance: float = TOLERANCE,
) -> Plan:
    """Plan to empty draining shards and to level the others by `capacities` (default: all equal).

    A slot that is moving counts for its target, and is not planned again.
    """
    balance = _Balance(slot_map, loads or {}, capacities or {})
    balance.empty(name for name, state in slot_map.shards.items() if state is not ShardState.ACTIVE)
    balance.level(tolerance)
    return balance.plan()


def plan_drain(
    slot_map: SlotMap,
    shard: str,
    loads: Loads | None = None,
    *,
    capacities: Mapping[str, float] | None = None,
) -> Plan:
    """Plan to move every slot of one shard, heaviest first, to the shard furthest below its target.

    Raises UnknownShard, and LastShard if no other shard takes slots.
    """
    if slot_map.state_of(shard) is ShardState.ACTIVE:
        slot_map = slot_map.with_shard_state(shard, ShardState.DRAINING)
    if not slot_map.active:
        raise LastShard(shard)
    balance = _Balance(slot_map, loads or {}, capacities or {})
    balance.empty([shard])
    return balance.plan()


class _Balance:
    """The load of every shard while a plan is made."""

    def __init__(self, slot_map: SlotMap, loads: Loads, capacities: Mapping[str, float]) -> None:
        self._map = slot_map
        self._loads = loads
        self._weights = _weights(slot_map, loads)
        self._owner = {entry.slot: entry.moving_to or entry.shard for entry in slot_map.slots}
        self._movable: dict[str, list[tuple[int, int]]] = {name: [] for name in slot_map.shards}
        self._held = dict.fromkeys(slot_map.shards, 0)
        for entry in slot_map.slots:
            self._place(entry)
        self._targets = _targets(slot_map, capacities)

    def _place(self, entry: SlotEntry) -> None:
        owner = self._owner[entry.slot]
        self._held[owner] += self._weights[entry.slot]
        if entry.state is SlotState.OWNED:
            insort(self._movable[owner], (self._weights[entry.slot], entry.slot))

    def empty(self, shards: Iterable[str]) -> None:
        """Move all movable slots off these shards."""
        for shard in shards:
            for _, slot in reversed(list(self._movable[shard])):
                self._move(slot, min(self._map.active, key=self._excess))

    def level(self, tolerance: float) -> None:
        """Move slots from the heaviest to the lightest shard until all are near their targets or no move helps."""
        active = self._map.active
        allowed = tolerance * UNIT / len(active)
        while True:
            source, target = max(active, key=self._excess), min(active, key=self._excess)
            excess, lack = self._excess(source), -self._excess(target)
            if max(excess, lack) <= allowed:
                return
            slot = self._find_fitting(source, excess, lack)
            if slot is None:
                return
            self._move(slot, target)

    def _find_fitting(self, source: str, excess: float, lack: float) -> int | None:
        """Return the heaviest slot that overshoots neither target, else the lightest that still helps, else None."""
        movable = self._movable[source]
        fitting = bisect_right(movable, (int(min(excess, lack)), len(self._weights)))
        if fitting and movable[fitting - 1][0] > 0:
            return movable[fitting - 1][1]
        heavier = movable[fitting : fitting + 1]
        return heavier[0][1] if heavier and heavier[0][0] < excess + lack else None

    def _excess(self, shard: str) -> float:
        return self._held[shard] - self._targets[shard]

    def _move(self, slot: int, target: str) -> None:
        source, weight = self._owner[slot], self._weights[slot]
        self._movable[source].remove((weight, slot))
        insort(self._movable[target], (weight, slot))
        self._held[source] -= weight
        self._held[target] += weight
        self._owner[slot] = target

    def plan(self) -> Plan:
        """Return the moves from the map to this state; a slot that was moved twice moves directly."""
        moves = tuple(
            Move(entry.slot, entry.shard, self._owner[entry.slot])
            for entry in self._map.slots
            if entry.state is SlotState.OWNED and self._owner[entry.slot] != entry.shard
        )
        now = {entry.slot: entry.moving_to or entry.shard for entry in self._map.slots}
        copied = sum(self._loads.get(move.slot, NO_LOAD).bytes for move in moves)
        return Plan(moves, self._shares(now), self._shares(self._owner), copied)

    def _shares(self, owners: Mapping[int, str]) -> dict[str, Share]:
        shares = dict.fromkeys(self._map.shards, Share())
        for slot, owner in owners.items():
            load, had = self._loads.get(slot, NO_LOAD), shares[owner]
            shares[owner] = Share(
                had.slots + 1,
                had.bytes + load.bytes,
                had.writes + load.writes,
                had.weight + self._weights[slot] / UNIT,
            )
        return shares


def _weights(slot_map: SlotMap, loads: Loads) -> list[int]:
    """Return the weight of every slot; the sum is UNIT except for rounding."""
    known = [loads.get(entry.slot, NO_LOAD) for entry in slot_map.slots]
    parts = [[1.0] * len(known), [float(load.bytes) for load in known], [load.writes for load in known]]
    shares = [[value / total for value in part] for part in parts if (total := sum(part)) > 0]
    return [round(UNIT * sum(slot) / len(shares)) for slot in zip(*shares, strict=True)]


def _targets(slot_map: SlotMap, capacities: Mapping[str, float]) -> dict[str, float]:
    """Return the target weight of each shard; 0 for draining shards."""
    share = {name: capacities.get(name, 1.0) for name in slot_map.active}
    return {name: UNIT * share.get(name, 0.0) / sum(share.values()) for name in slot_map.shards}
