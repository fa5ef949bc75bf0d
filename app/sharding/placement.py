"""Strategies that decide which shard gets which slot in a new ledger, and how evenly each really spreads. Pure."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import xxhash

from app.topology import SLOTS, slot_of

RING_POINTS = 256
"""Points that each shard of weight 1 has on the ring."""
HASHES = 2**64
FIXED_KEYS = 200_000
"""How many keys the spread is measured with: `account-0`, `account-1`, …"""

Weights = Mapping[str, float]
"""How much each shard is to get, relative to the others; by name, all above 0."""


class NoShards(ValueError):
    """Slots cannot be placed: there is no shard, or one is to get nothing."""


class Placement(Protocol):
    """A way to place slots on shards; the same for the same shards, whatever order they come in."""

    @property
    def name(self) -> str:
        """What people call it."""
        ...

    def owners(self, shards: Weights) -> list[str]:
        """Name of the shard of every slot, in order of the slots; raises NoShards."""
        ...


@dataclass(frozen=True)
class BalancedRanges:
    """One range of neighbouring slots a shard, as long as its weight says, to the slot. What this project uses."""

    name: str = "balanced ranges of slots"

    def owners(self, shards: Weights) -> list[str]:
        """Name of the shard of every slot, in order of the slots; raises NoShards."""
        names = _checked(shards)
        total = sum(shards.values())
        bounds, reached = [0], 0.0
        for name in names:
            reached += shards[name]
            bounds.append(round(SLOTS * reached / total))
        return [name for number, name in enumerate(names) for _ in range(bounds[number], bounds[number + 1])]


@dataclass(frozen=True)
class Rendezvous:
    """Every slot takes the shard whose hash with it is the highest: nobody but a new shard gains when one is added.

    Weighted as in Schindelhauer and Schomaker, "Weighted distributed hash tables" (2005): the logarithmic method.
    """

    name: str = "rendezvous of slots"

    def owners(self, shards: Weights) -> list[str]:
        """Name of the shard of every slot, in order of the slots; raises NoShards."""
        names = _checked(shards)
        return [max((_score(name, slot, shards[name]), name) for name in names)[1] for slot in range(SLOTS)]


@dataclass(frozen=True)
class Ring:
    """Shards have points on a ring of hashes, and a key or slot belongs to the next point: consistent hashing."""

    name: str = f"ring of {RING_POINTS} points a shard"

    def owners(self, shards: Weights) -> list[str]:
        """Name of the shard of every slot, in order of the slots; raises NoShards."""
        owner_of = self.owner_of(shards)
        return [owner_of(f"slot-{slot}") for slot in range(SLOTS)]

    def owner_of(self, shards: Weights) -> Callable[[str], str]:
        """The ring without slots: the shard of any key; raises NoShards."""
        lightest = min(shards[name] for name in _checked(shards))
        points = sorted(
            (_hash(f"{name}#{number}"), name)
            for name, weight in shards.items()
            for number in range(round(RING_POINTS * weight / lightest))
        )
        hashes = [point for point, _ in points]
        return lambda key: points[bisect_left(hashes, _hash(key)) % len(points)][1]


STRATEGIES: tuple[Placement, ...] = (BalancedRanges(), Rendezvous(), Ring())


class Spread(NamedTuple):
    """How far from its fair share of the keys a shard is, in percent: the worst on both sides."""

    least: float
    most: float

    def __str__(self) -> str:
        return f"{self.least:+.2f}% to {self.most:+.2f}%"


def spread(shard_of: Callable[[str], str], shards: Sequence[str], keys: Iterable[str]) -> Spread:
    """How evenly keys fall on shards of the same weight."""
    counts = dict.fromkeys(shards, 0) | Counter(shard_of(key) for key in keys)
    fair = sum(counts.values()) / len(shards)
    deviations = [100 * (count / fair - 1) for count in counts.values()]
    return Spread(min(deviations), max(deviations))


def fixed_keys() -> Iterable[str]:
    """The fixed set of keys that every spread in our documents was measured with."""
    return (f"account-{number}" for number in range(FIXED_KEYS))


class Figures(NamedTuple):
    """What one way of placing does with the fixed set of keys."""

    name: str
    spread: Spread
    """Over 8 shards."""
    moved: float
    """Share of the slots (of the keys, where there are no slots) that change their shard when a ninth comes, in
    percent of the ideal ninth."""


def figures(shards: int = 8) -> list[Figures]:
    """The true spread of each strategy, and what a further shard moves; the last line is the ring without slots."""
    before = {f"shard-{number}": 1.0 for number in range(shards)}
    after = {**before, f"shard-{shards}": 1.0}
    lines = [_figures_of(strategy, before, after) for strategy in STRATEGIES]
    ring = Ring()
    old, new = ring.owner_of(before), ring.owner_of(after)
    moved = sum(old(key) != new(key) for key in fixed_keys()) / FIXED_KEYS
    name = f"{ring.name}, keys on it directly"
    return [*lines, Figures(name, spread(old, list(before), fixed_keys()), 100 * moved * len(after))]


def table(lines: Sequence[Figures]) -> str:
    """The figures as a table in Markdown."""
    rows = [f"| {line.name} | {line.spread} | {line.moved:.1f}% |" for line in lines]
    head = "| placement | 8 shards: each one's keys against its fair share | moved by a ninth, of the ideal |"
    return "\n".join([head, "|---|---|---|", *rows])


def _figures_of(strategy: Placement, before: Weights, after: Weights) -> Figures:
    old, new = strategy.owners(before), strategy.owners(after)
    moved = sum(first != second for first, second in zip(old, new, strict=True)) / SLOTS
    return Figures(
        strategy.name, spread(lambda key: old[slot_of(key)], list(before), fixed_keys()), 100 * moved * len(after)
    )


def _checked(shards: Weights) -> list[str]:
    if not shards:
        raise NoShards("slots cannot be placed on no shards at all")
    for name, weight in shards.items():
        if not 0 < weight < math.inf:
            raise NoShards(f"shard {name} has weight {weight}: a weight is a number above 0")
    return sorted(shards)


def _score(shard: str, slot: int, weight: float) -> float:
    chance = (_hash(f"{shard}/{slot}") + 1) / (HASHES + 1)
    return -weight / math.log(chance)


def _hash(text: str) -> int:
    return xxhash.xxh3_64_intdigest(text.encode())
