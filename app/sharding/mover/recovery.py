"""Finishing what was interrupted: moves, aborts, and arrivals that only their target knows of."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from app.database.pools import DatabaseUnavailable
from app.sharding.errors import MapError
from app.sharding.map_store import MapStore
from app.sharding.mover.abort import abort, arrivals_of, clear
from app.sharding.mover.context import MoveContext, departures_of
from app.sharding.mover.errors import MoveError, MoveInProgress, MoveIsDecided, MoveWasAborted
from app.sharding.mover.model import Databases, Departure, Limits, Report, Step, no_report
from app.sharding.mover.move import finish_move, move_slot
from app.sharding.mover.shard_connection import connect
from app.topology import NoLogin


@dataclass
class Resumed:
    """The outcome of interrupted moves, by slot."""

    moved: list[int] = field(default_factory=list)
    aborted: list[int] = field(default_factory=list)
    failed: dict[str, Exception] = field(default_factory=dict)
    """Errors by the name of a shard, or of a slot as in `slot 7`."""


async def resume_moves(
    *,
    databases: Databases,
    map_store: MapStore,
    report: Report = no_report,
    limits: Limits | None = None,
) -> Resumed:
    """Finish or abort every interrupted move, except those that another process is working on.

    Raises what reading the map raises. An error of one shard or slot does not stop the others.
    """
    context = MoveContext(databases, map_store, limits or Limits(), report)
    resumed = Resumed()
    for shard in databases:
        with _collecting_errors(resumed, shard):
            await _resume_departures(context, shard, resumed)
    await _resume_announced(context, resumed)
    for shard in databases:
        with _collecting_errors(resumed, shard):
            await _settle_arrivals(context, shard, resumed)
    return resumed


@contextmanager
def _collecting_errors(resumed: Resumed, what: str) -> Iterator[None]:
    try:
        yield
    except MoveInProgress:
        return
    except (MoveError, MapError, NoLogin, DatabaseUnavailable) as error:
        resumed.failed[what] = error


async def _resume_departures(context: MoveContext, shard: str, resumed: Resumed) -> None:
    async with connect(context.databases, shard) as connection:
        departures = await departures_of(connection)
    for departure in departures:
        with _collecting_errors(resumed, f"slot {departure.slot}"):
            await _resume(context, shard, departure, resumed)


async def _resume(context: MoveContext, shard: str, departure: Departure, resumed: Resumed) -> None:
    async with context.lock_move(shard, departure.slot) as source:
        # Read the record again: it may have changed before this process got the lock.
        for current in await departures_of(source, departure.slot):
            try:
                if current.aborting:
                    await abort(context, source, current)
                    resumed.aborted.append(current.slot)
                    return
            except MoveIsDecided:
                pass
            try:
                await finish_move(context, source, current)
                resumed.moved.append(current.slot)
            except MoveWasAborted:
                resumed.aborted.append(current.slot)


async def _resume_announced(context: MoveContext, resumed: Resumed) -> None:
    """Resume moves that only the map knows of."""
    for entry in (await context.map_store.read()).moving:
        name = f"slot {entry.slot}"
        if name in resumed.failed or entry.shard in resumed.failed:
            continue
        with _collecting_errors(resumed, name):
            await move_slot(
                entry.slot,
                entry.moving_to or "",
                databases=context.databases,
                map_store=context.map_store,
                report=context.report,
                limits=context.limits,
            )
            resumed.moved.append(entry.slot)


async def _settle_arrivals(context: MoveContext, shard: str, resumed: Resumed) -> None:
    """Settle arrivals by the map alone, where the source is down or has forgotten the move."""
    async with connect(context.databases, shard) as connection:
        for arrival in await arrivals_of(connection):
            entry = await context.entry(arrival.slot)
            if entry.moving_to == shard and not arrival.abandoned:
                continue  # still moving
            if (entry.shard, entry.epoch) == (shard, arrival.epoch):
                await connection.rows("own_slot", slot=arrival.slot, epoch=arrival.epoch, move=arrival.move)
                context.report_step(arrival.slot, Step.OWNED)
                resumed.moved.append(arrival.slot)
            elif entry.shard != shard:
                await clear(context, connection, arrival.slot, arrival.move)
                resumed.aborted.append(arrival.slot)
