"""How the slots of the ledger are divided among shards. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

SLOTS = 4096
"""Fixed for ever: an account's slot is its hash modulo this."""

Range = tuple[int, int]
"""First and last slot, both included."""


class InvalidSlots(ValueError):
    """A division in which a slot has no shard, or two."""


def divide(shards: Sequence[str], slots: int = SLOTS) -> dict[str, tuple[Range, ...]]:
    """One contiguous range a shard, in the order given; the longest is at most one slot longer than the shortest."""
    if not 1 <= len(shards) <= slots:
        raise InvalidSlots(f"{len(shards)} shards: 1 to {slots} are possible")
    if len(set(shards)) != len(shards):
        raise InvalidSlots(f"shards: {', '.join(shards)}; every name may stand there once")
    count = len(shards)
    bounds = [number * slots // count for number in range(count + 1)]
    return {shard: ((bounds[number], bounds[number + 1] - 1),) for number, shard in enumerate(shards)}


def check_complete(division: Mapping[str, Sequence[Range]], slots: int = SLOTS) -> None:
    """Every slot has exactly one shard."""
    owners: dict[int, str] = {}
    for shard, ranges in division.items():
        for first, last in ranges:
            if not 0 <= first <= last < slots:
                raise InvalidSlots(f"{shard}: {first} to {last} is no range within 0 to {slots - 1}")
            for slot in range(first, last + 1):
                if slot in owners:
                    raise InvalidSlots(f"slot {slot} belongs to both {owners[slot]} and {shard}")
                owners[slot] = shard
    if len(owners) != slots:
        missing = next(slot for slot in range(slots) if slot not in owners)
        raise InvalidSlots(f"slot {missing} belongs to no shard")
