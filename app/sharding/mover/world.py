"""What every move needs: the shards, the map, and to be alone with a slot."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

import stamina

from app.database.pools import DatabaseUnavailable
from app.sharding.map_store import MapStore
from app.sharding.mover.errors import MoveInProgress
from app.sharding.mover.model import Databases, Departure, Limits, Progress, Report, Step
from app.sharding.mover.side import Side, side
from app.sharding.slot_map import SlotEntry

MOVES = 3
"""First key of the advisory locks of moves; 1 is that of slots, 2 that of workers."""

Result = TypeVar("Result")


@dataclass(frozen=True)
class World:
    """What every move needs."""

    databases: Databases
    map_store: MapStore
    limits: Limits
    report: Report

    def did(self, slot: int, step: Step, events: int = 0, total: int = 0) -> None:
        """Report a step."""
        self.report(Progress(slot, step, events, total))

    async def entry(self, slot: int) -> SlotEntry:
        """What the map says of a slot now; raises SlotOutOfRange."""
        return (await self.map_store.read()).entry(slot)

    async def persistently(self, change: Callable[[], Awaitable[Result]]) -> Result:
        """What must come to pass once the source has left: tried for as long as there is patience."""
        async for attempt in stamina.retry_context(
            on=DatabaseUnavailable,
            attempts=None,
            timeout=self.limits.patience_seconds,
            wait_initial=0.02,
            wait_max=1.0,
        ):
            with attempt:
                return await change()
        raise AssertionError("the last attempt returns or raises")

    @asynccontextmanager
    async def alone(self, shard: str, slot: int) -> AsyncIterator[Side]:
        """A connection to the source that lets no other mover of the slot in while it stands; raises MoveInProgress."""
        async with side(self.databases, shard) as source:
            deadline = time.monotonic() + self.limits.exclusive_seconds
            while not await source.value("lock_move", moves=MOVES, slot=slot):
                if time.monotonic() > deadline:
                    raise MoveInProgress(slot, shard)
                await asyncio.sleep(0.02)
            yield source


async def departures_of(source: Side, slot: int | None = None) -> list[Departure]:
    """Moves away from a shard that are not finished."""
    return [Departure(*row) for row in await source.rows("read_departures", slot=slot)]
