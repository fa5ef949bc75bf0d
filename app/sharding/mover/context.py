"""What every step of a move needs: the shards, the slot map, and a lock on the slot."""

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
from app.sharding.mover.shard_connection import ShardConnection, connect
from app.sharding.slot_map import SlotEntry

MOVE_LOCKS = 3
"""First key of the advisory locks of moves; 1 is that of slots, 2 that of workers."""

Result = TypeVar("Result")


@dataclass(frozen=True)
class MoveContext:
    """The shards, the map, the limits and the observer of a move."""

    databases: Databases
    map_store: MapStore
    limits: Limits
    report: Report

    def report_step(self, slot: int, step: Step, events: int = 0, total: int = 0) -> None:
        """Report a step that is done."""
        self.report(Progress(slot, step, events, total))

    async def entry(self, slot: int) -> SlotEntry:
        """Read a slot's entry in the map; raise SlotOutOfRange."""
        return (await self.map_store.read()).entry(slot)

    async def retry(self, change: Callable[[], Awaitable[Result]]) -> Result:
        """Make a change that must happen once the source has left the slot: try for `patience_seconds`."""
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
    async def lock_move(self, shard: str, slot: int) -> AsyncIterator[ShardConnection]:
        """Connect to the source and keep all other movers of the slot out; raise MoveInProgress."""
        async with connect(self.databases, shard) as source:
            deadline = time.monotonic() + self.limits.exclusive_seconds
            while not await source.value("lock_move", moves=MOVE_LOCKS, slot=slot):
                if time.monotonic() > deadline:
                    raise MoveInProgress(slot, shard)
                await asyncio.sleep(0.02)
            yield source


async def departures_of(source: ShardConnection, slot: int | None = None) -> list[Departure]:
    """List the unfinished moves away from a shard, of one slot or of all."""
    return [Departure(*row) for row in await source.rows("read_departures", slot=slot)]
