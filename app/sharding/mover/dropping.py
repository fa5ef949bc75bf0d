"""Dropping the rows of a slot that has left a shard, or whose arrival was abandoned, some at a time."""

from __future__ import annotations

from uuid import UUID

from app.sharding.mover.errors import NotToBeDropped
from app.sharding.mover.model import Databases, Departure, Progress, Report, Step, no_report
from app.sharding.mover.shard_connection import ShardConnection, connect
from app.sharding.mover.slot_tables import SLOT_TABLES, CopyStrategy

ROWS_AT_ONCE = 2000
GRACE_SECONDS = 900.0
"""How long the source keeps the rows: readers with a stale map still find the slot as it was when it left."""


async def drop_departed(
    databases: Databases,
    *,
    grace_seconds: float = GRACE_SECONDS,
    slot: int | None = None,
    report: Report = no_report,
) -> list[int]:
    """Drop the rows of slots (or of one) that left their source longer than the grace ago; return those slots.

    Raises DatabaseUnavailable; the next call drops the rest.
    """
    dropped = []
    for shard in databases:
        async with connect(databases, shard) as source:
            for row in await source.rows("read_droppable", slot=slot, grace_seconds=grace_seconds):
                departure = Departure(*row)
                await drop_rows(source, departure.slot, departure.move, report)
                await source.rows("end_departure", move=departure.move, step="dropped")
                report(Progress(departure.slot, Step.DROPPED))
                dropped.append(departure.slot)
    return dropped


async def drop_rows(shard: ShardConnection, slot: int, move: UUID, report: Report) -> None:
    """Drop all rows of a slot on one shard; raise NotToBeDropped if the slot may be needed there."""
    await _drop_slot_tables(shard, slot, move, copied=True)
    total = 0
    while rows := await shard.value("drop_slot_events", slot=slot, move=move, limit=ROWS_AT_ONCE):
        total += rows
        report(Progress(slot, Step.DROPPING, total))
    # Last, because rows are derived from events as long as there are any.
    await _drop_slot_tables(shard, slot, move, copied=False)


async def _drop_slot_tables(shard: ShardConnection, slot: int, move: UUID, *, copied: bool) -> None:
    async with shard.transaction():
        if not await shard.value("may_drop_slot", slot=slot, move=move):
            raise NotToBeDropped(slot, shard.shard)
        for slot_table in SLOT_TABLES:
            if (slot_table.copied is not CopyStrategy.NOT_COPIED) == copied:
                await shard.run(f"drop_{slot_table.table}", slot=slot)
