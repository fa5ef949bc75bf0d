"""Dropping the rows of a slot that has left, or of one whose arrival was abandoned, some at a time."""

from __future__ import annotations

from uuid import UUID

from app.sharding.mover.belongings import BELONGINGS, Travels
from app.sharding.mover.errors import NotToBeDropped
from app.sharding.mover.model import Databases, Departure, Progress, Report, Step, no_report
from app.sharding.mover.side import Side, side

ROWS_AT_ONCE = 2000
GRACE_SECONDS = 900.0
"""So long the source keeps its rows: readers by a stale map still find what was there when the slot left."""


async def drop_departed(
    databases: Databases,
    *,
    grace_seconds: float = GRACE_SECONDS,
    slot: int | None = None,
    report: Report = no_report,
) -> list[int]:
    """Drop what slots (or one of them) left behind on their sources longer than the grace ago; which slots that were.

    Raises DatabaseUnavailable; what is not dropped then is dropped by the next call.
    """
    dropped = []
    for shard in databases:
        async with side(databases, shard) as source:
            for row in await source.rows("read_gone", slot=slot, grace_seconds=grace_seconds):
                departure = Departure(*row)
                await drop_rows(source, departure.slot, departure.move, report)
                await source.rows("end_departure", move=departure.move, step="dropped")
                report(Progress(departure.slot, Step.DROPPED))
                dropped.append(departure.slot)
    return dropped


async def drop_rows(there: Side, slot: int, move: UUID, report: Report) -> None:
    """Everything of a slot on one shard; the database refuses it where the slot is not one to be dropped."""
    await _drop_belongings(there, slot, move, by_themselves=False)
    total = 0
    while rows := await there.value("drop_slot_events", slot=slot, move=move, limit=ROWS_AT_ONCE):
        total += rows
        report(Progress(slot, Step.DROPPING, total))
    # Last, since what makes these rows goes on as long as there are events.
    await _drop_belongings(there, slot, move, by_themselves=True)


async def _drop_belongings(there: Side, slot: int, move: UUID, *, by_themselves: bool) -> None:
    async with there.transaction():
        if not await there.value("may_drop_slot", slot=slot, move=move):
            raise NotToBeDropped(slot, there.shard)
        for each in BELONGINGS:
            if (each.travels is Travels.BY_ITSELF) == by_themselves:
                await there.change(f"belongings/{each.table}.drop", slot=slot)
