"""How much every slot holds and takes, asked of the shards themselves."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from app.queries import Reads
from app.sharding.rebalance import Loads, SlotLoad
from app.sharding.statements import statement

Row = tuple[Any, ...]


class _Look(NamedTuple):
    at: float
    events: dict[int, int]
    bytes_of_an_event: float


async def measure(databases: Mapping[str, Reads], *, seconds: float) -> Loads:
    """Loads of all slots that the shards own; the rate of writes is that of the next `seconds`.

    Sizes are a shard's whole size, divided by the events of its slots. Raises DatabaseUnavailable.
    """
    first = await asyncio.gather(*map(_look, databases.values()))
    if seconds:
        await asyncio.sleep(seconds)
    last = await asyncio.gather(*map(_look, databases.values())) if seconds else first
    return {
        slot: SlotLoad(round(events * after.bytes_of_an_event), _rate(before, after, slot))
        for before, after in zip(first, last, strict=True)
        for slot, events in after.events.items()
    }


async def _look(database: Reads) -> _Look:
    at = time.monotonic()
    rows = await database.rows(statement("slot_loads"), {})
    events = {slot: count for slot, count, _ in rows}
    size = rows[0][2] if rows else 0
    return _Look(at, events, size / max(1, sum(events.values())))


def _rate(before: _Look, after: _Look, slot: int) -> float:
    if after.at <= before.at:
        return 0.0
    return max(0, after.events[slot] - before.events.get(slot, 0)) / (after.at - before.at)
