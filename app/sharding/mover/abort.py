"""Aborting a move that the slot map has not decided yet."""

from __future__ import annotations

from uuid import UUID

from app.sharding.errors import SlotNotMoving, StaleMap
from app.sharding.map_store import MapStore
from app.sharding.mover.context import MoveContext, departures_of
from app.sharding.mover.dropping import drop_rows
from app.sharding.mover.errors import MoveIsDecided
from app.sharding.mover.model import Arrival, Databases, Departure, Limits, Report, Step, no_report
from app.sharding.mover.shard_connection import ShardConnection, connect
from app.sharding.slot_map import SlotEntry, SlotState


async def abort_move(
    slot: int,
    *,
    databases: Databases,
    map_store: MapStore,
    report: Report = no_report,
    limits: Limits | None = None,
) -> SlotEntry:
    """Leave a moving slot on its source, drop what the target received, and return the slot's entry in the map.

    Raises SlotNotMoving, MoveIsDecided if it is too late, MoveInProgress, and DatabaseUnavailable. If that names the
    target, the slot is back in use already, and `resume_moves` drops the rest.
    """
    context = MoveContext(databases, map_store, limits or Limits(), report)
    shard = (await context.entry(slot)).shard
    async with context.lock_move(shard, slot) as source:
        departures = await departures_of(source, slot)
        if departures:
            return await abort(context, source, departures[0])
        return await _abort_without_record(context, source, slot)


async def abort(context: MoveContext, source: ShardConnection, departure: Departure) -> SlotEntry:
    """Abort a move that the source has a record of, and return the slot's entry; raise MoveIsDecided."""
    await source.rows("want_abort", move=departure.move, wanted=True)
    context.report_step(departure.slot, Step.ABORTING)
    entry = await context.retry(lambda: _revoke(context, departure))
    if entry.epoch > departure.epoch:
        await source.rows("want_abort", move=departure.move, wanted=False)
        raise MoveIsDecided(departure.slot, entry.shard)
    context.report_step(departure.slot, Step.REVOKED)
    await undo(context, source, departure)
    return entry


async def undo(context: MoveContext, source: ShardConnection, departure: Departure) -> None:
    """Return the slot to its source and clear the target. Call it only once the map cannot give the slot away."""
    await source.rows("return_slot", slot=departure.slot, move=departure.move)
    context.report_step(departure.slot, Step.RETURNED)
    async with connect(context.databases, departure.target) as target:
        await clear(context, target, departure.slot, departure.move)
    await source.rows("end_departure", move=departure.move, step="aborted")
    context.report_step(departure.slot, Step.ABORTED)


async def clear(context: MoveContext, target: ShardConnection, slot: int, move: UUID) -> None:
    """Drop the rows of an arrival that was abandoned."""
    if not any(arrival.move == move for arrival in await arrivals_of(target, slot)):
        return
    await target.rows("abandon_arrival", slot=slot, move=move)
    context.report_step(slot, Step.ABANDONED)
    await drop_rows(target, slot, move, context.report)
    await target.rows("forget_arrival", slot=slot, move=move)


async def arrivals_of(target: ShardConnection, slot: int | None = None) -> list[Arrival]:
    """List the arrivals that a shard has a record of, of one slot or of all."""
    return [Arrival(*row) for row in await target.rows("read_arrivals", slot=slot)]


async def _revoke(context: MoveContext, departure: Departure) -> SlotEntry:
    entry = await context.entry(departure.slot)
    if entry.state is not SlotState.MOVING or entry.epoch > departure.epoch:
        return entry
    try:
        return await context.map_store.abort_move(entry)
    except (StaleMap, SlotNotMoving):
        return await context.entry(departure.slot)


async def _abort_without_record(context: MoveContext, source: ShardConnection, slot: int) -> SlotEntry:
    """Abort a move that only the map knows; raise MoveIsDecided if the target does not know yet that it won."""
    entry = await context.entry(slot)
    if entry.state is SlotState.MOVING:
        return await context.map_store.abort_move(entry)
    if any(arrival.epoch == entry.epoch for arrival in await arrivals_of(source, slot)):
        raise MoveIsDecided(slot, entry.shard)
    raise SlotNotMoving(slot)
