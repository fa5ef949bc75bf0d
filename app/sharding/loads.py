"""Measuring the bytes and the write rate of every slot, on the shards themselves."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import NamedTuple

from app.queries import Reads, query
from app.sharding.rebalance import Loads, SlotLoad


class _Sample(NamedTuple):
    at: float
    events: dict[int, int]
    bytes_per_event: float


async def measure(databases: Mapping[str, Reads], *, seconds: float) -> Loads:
    """Measure all slots that the shards own; the write rate is measured over `seconds` (0: not at all).

    A shard's size is divided among its slots by their number of events. Raises DatabaseUnavailable.
    """
    first = await asyncio.gather(*map(_take_sample, databases.values()))
    if seconds:
        await asyncio.sleep(seconds)
    last = await asyncio.gather(*map(_take_sample, databases.values())) if seconds else first
    return {
        slot: SlotLoad(round(events * after.bytes_per_event), _rate(before, after, slot))
        for before, after in zip(first, last, strict=True)
        for slot, events in after.events.items()
    }


async def _take_sample(database: Reads) -> _Sample:
    at = time.monotonic()
    rows = await database.rows(query("sharding.read_slot_loads"), {})
    events = {slot: count for slot, count, _ in rows}
    size = rows[0][2] if rows else 0
    return _Sample(at, events, size / max(1, sum(events.values())))


def _rate(before: _Sample, after: _Sample, slot: int) -> float:
    if after.at <= before.at:
        return 0.0
    return max(0, after.events[slot] - before.events.get(slot, 0)) / (after.at - before.at)
