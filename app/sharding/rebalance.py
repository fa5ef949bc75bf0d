"""Plans of slot moves: which slots go where so that shards carry what they should, and nothing moves needlessly. Pure.

The weight of a slot is the mean of its shares of all slots, of all bytes and of all writes, as far as they are known: a
slot that is empty today counts too, since accounts will come to it. The plan is greedy: again and again the shard that
is furthest above its target gives the heaviest slot that fits to the shard that is furthest below, for as long as a
shard is further off than the tolerance and the move helps.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from app.sharding.errors import LastShard
from app.sharding.slot_map import ShardState, SlotEntry, SlotMap, SlotState

TOLERANCE = 0.005
"""How far from its target a shard may stay, as a share of an average shard's load."""
UNIT = 10**12
"""All slots together weigh this much: whole numbers, so that a plan is the same everywhere."""


class SlotLoad(NamedTuple):
    """What a slot holds and takes."""

    bytes: int = 0
    writes: float = 0.0
    """Events a second."""


NO_LOAD = SlotLoad()
Loads = Mapping[int, SlotLoad]
"""By slot; one that is left out holds nothing."""


class Move(NamedTuple):
    """One slot's way."""

    slot: int
    source: str
    target: str


class Share(NamedTuple):
    """What a shard has."""

    slots: int = 0
    bytes: int = 0
    writes: float = 0.0
    weight: float = 0.0
    """Share of the whole, 0 to 1."""


@dataclass(frozen=True)
class Plan:
    """Moves, and what every shard has without and with them."""

    moves: tuple[Move, ...]
    before: Mapping[str, Share]
    after: Mapping[str, Share]
    bytes: int
    """How much the moves copy, as far as sizes are known."""


def plan_rebalance(
    slot_map: SlotMap,
    loads: Loads | None = None,
    *,
    capacities: Mapping[str, float] | None = None,
    tolerance: float = TOLERANCE,
) -> Plan:
    """Empty the draining shards, and level the others by `capacities` (default: all the same).

    Slots that are on the move count where they go, and stay out of the plan.
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
    """Move every slot of one shard away, heaviest first, to whoever is furthest below its target.

    Raises UnknownShard, and LastShard where nobody else takes slots.
    """
    if slot_map.state_of(shard) is ShardState.ACTIVE:
        slot_map = slot_map.with_shard_state(shard, ShardState.DRAINING)
    if not slot_map.active:
        raise LastShard(shard)
    balance = _Balance(slot_map, loads or {}, capacities or {})
    balance.empty([shard])
    return balance.plan()


class _Balance:
    """What each shard would have, while a plan is made."""

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
        """Everything that can move leaves these shards."""
        for shard in shards:
            for _, slot in reversed(list(self._movable[shard])):
                self._move(slot, min(self._map.active, key=self._excess))

    def level(self, tolerance: float) -> None:
        """The heaviest shard gives to the lightest, until all are near their targets or nothing helps."""
        active = self._map.active
        allowed = tolerance * UNIT / len(active)
        while True:
            source, target = max(active, key=self._excess), min(active, key=self._excess)
            excess, lack = self._excess(source), -self._excess(target)
            if max(excess, lack) <= allowed:
                return
            slot = self._that_fits(source, excess, lack)
            if slot is None:
                return
            self._move(slot, target)

    def _that_fits(self, source: str, excess: float, lack: float) -> int | None:
        """The heaviest slot that neither shard has too much or too little for, else the lightest that still helps."""
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
        """What it takes to get from the map to here; a slot that went by a detour goes straight."""
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
    """Weight of every slot; all of them together weigh UNIT, but for rounding."""
    known = [loads.get(entry.slot, NO_LOAD) for entry in slot_map.slots]
    parts = [[1.0] * len(known), [float(load.bytes) for load in known], [load.writes for load in known]]
    shares = [[one / total for one in part] for part in parts if (total := sum(part)) > 0]
    return [round(UNIT * sum(slot) / len(shares)) for slot in zip(*shares, strict=True)]


def _targets(slot_map: SlotMap, capacities: Mapping[str, float]) -> dict[str, float]:
    """The weight that each shard should carry; nothing where it is draining."""
    share = {name: capacities.get(name, 1.0) for name in slot_map.active}
    return {name: UNIT * share.get(name, 0.0) / sum(share.values()) for name in slot_map.shards}
