"""Undoing a move that the slot map has not decided yet."""

from __future__ import annotations

from uuid import UUID

from app.sharding.errors import SlotNotMoving, StaleMap
from app.sharding.map_store import MapStore
from app.sharding.mover.dropping import drop_rows
from app.sharding.mover.errors import MoveIsDecided
from app.sharding.mover.model import Arrival, Databases, Departure, Limits, Report, Step, no_report
from app.sharding.mover.side import Side, side
from app.sharding.mover.world import World, departures_of
from app.sharding.slot_map import SlotEntry, SlotState


async def abort_move(
    slot: int,
    *,
    databases: Databases,
    map_store: MapStore,
    report: Report = no_report,
    limits: Limits | None = None,
) -> SlotEntry:
    """Leave a slot that is moving where it is, and drop what has come to its target; its entry in the map.

    Raises SlotNotMoving, MoveIsDecided where it is too late, MoveInProgress, and DatabaseUnavailable: where it names
    the target, the slot is back in use already, and `resume_moves` drops the rest.
    """
    world = World(databases, map_store, limits or Limits(), report)
    shard = (await world.entry(slot)).shard
    async with world.alone(shard, slot) as source:
        departures = await departures_of(source, slot)
        if departures:
            return await abort(world, source, departures[0])
        return await _abort_without_record(world, source, slot)


async def abort(world: World, source: Side, departure: Departure) -> SlotEntry:
    """Undo the move that a source has a record of."""
    await source.rows("want_abort", move=departure.move, wanted=True)
    world.did(departure.slot, Step.ABORTING)
    entry = await world.persistently(lambda: _revoke(world, departure))
    if entry.epoch > departure.epoch:
        await source.rows("want_abort", move=departure.move, wanted=False)
        raise MoveIsDecided(departure.slot, entry.shard)
    world.did(departure.slot, Step.REVOKED)
    await undo(world, source, departure)
    return entry


async def undo(world: World, source: Side, departure: Departure) -> None:
    """Give the slot back to its source, and clear its target; only after the map has refused the target for good."""
    await source.rows("return_slot", slot=departure.slot, move=departure.move)
    world.did(departure.slot, Step.RETURNED)
    async with side(world.databases, departure.target) as target:
        await clear(world, target, departure.slot, departure.move)
    await source.rows("end_departure", move=departure.move, step="aborted")
    world.did(departure.slot, Step.ABORTED)


async def clear(world: World, target: Side, slot: int, move: UUID) -> None:
    """Drop what has come of a slot that does not come any more."""
    if not any(arrival.move == move for arrival in await arrivals_of(target, slot)):
        return
    await target.rows("abandon_arrival", slot=slot, move=move)
    world.did(slot, Step.ABANDONED)
    await drop_rows(target, slot, move, world.report)
    await target.rows("forget_arrival", slot=slot, move=move)


async def arrivals_of(target: Side, slot: int | None = None) -> list[Arrival]:
    """Slots that are on their way to a shard, or were."""
    return [Arrival(*row) for row in await target.rows("read_arrivals", slot=slot)]


async def _revoke(world: World, departure: Departure) -> SlotEntry:
    entry = await world.entry(departure.slot)
    if entry.state is not SlotState.MOVING or entry.epoch > departure.epoch:
        return entry
    try:
        return await world.map_store.abort_move(entry)
    except (StaleMap, SlotNotMoving):
        return await world.entry(departure.slot)


async def _abort_without_record(world: World, source: Side, slot: int) -> SlotEntry:
    """Where only the map knows of the move, or the target has not heard yet that it has the slot."""
    entry = await world.entry(slot)
    if entry.state is SlotState.MOVING:
        return await world.map_store.abort_move(entry)
    if any(arrival.epoch == entry.epoch for arrival in await arrivals_of(source, slot)):
        raise MoveIsDecided(slot, entry.shard)
    raise SlotNotMoving(slot)
