"""What broke off is brought to an end: moves, aborts, and arrivals that nobody else knows of any more."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from app.database.pools import DatabaseUnavailable
from app.sharding.errors import MapError
from app.sharding.map_store import MapStore
from app.sharding.mover.abort import abort, arrivals_of, clear
from app.sharding.mover.errors import MoveError, MoveInProgress, MoveIsDecided, MoveWasAborted
from app.sharding.mover.model import Databases, Departure, Limits, Report, Step, no_report
from app.sharding.mover.move import carry_on, move_slot
from app.sharding.mover.side import side
from app.sharding.mover.world import World, departures_of
from app.topology import NoLogin


@dataclass
class Resumed:
    """What became of the moves that were left over, by slot."""

    moved: list[int] = field(default_factory=list)
    aborted: list[int] = field(default_factory=list)
    failed: dict[str, Exception] = field(default_factory=dict)
    """What could not be brought to an end now; by name of the shard, or of the slot as in `slot 7`."""


async def resume_moves(
    *,
    databases: Databases,
    map_store: MapStore,
    report: Report = no_report,
    limits: Limits | None = None,
) -> Resumed:
    """Bring everything that broke off to its end; what another process is at is left to it.

    Raises what reading the map raises; a shard or a slot that cannot be brought to an end stops none of the others.
    """
    world = World(databases, map_store, limits or Limits(), report)
    resumed = Resumed()
    for shard in databases:
        with _noting(resumed, shard):
            await _resume_departures(world, shard, resumed)
    await _resume_announced(world, resumed)
    for shard in databases:
        with _noting(resumed, shard):
            await _settle_arrivals(world, shard, resumed)
    return resumed


@contextmanager
def _noting(resumed: Resumed, what: str) -> Iterator[None]:
    try:
        yield
    except MoveInProgress:
        return
    except (MoveError, MapError, NoLogin, DatabaseUnavailable) as error:
        resumed.failed[what] = error


async def _resume_departures(world: World, shard: str, resumed: Resumed) -> None:
    async with side(world.databases, shard) as there:
        departures = await departures_of(there)
    for departure in departures:
        with _noting(resumed, f"slot {departure.slot}"):
            await _resume(world, shard, departure, resumed)


async def _resume(world: World, shard: str, departure: Departure, resumed: Resumed) -> None:
    async with world.alone(shard, departure.slot) as source:
        # What it was before this process was alone with it says nothing.
        for current in await departures_of(source, departure.slot):
            try:
                if current.aborting:
                    await abort(world, source, current)
                    resumed.aborted.append(current.slot)
                    return
            except MoveIsDecided:
                pass
            try:
                await carry_on(world, source, current)
                resumed.moved.append(current.slot)
            except MoveWasAborted:
                resumed.aborted.append(current.slot)


async def _resume_announced(world: World, resumed: Resumed) -> None:
    """Moves that the map knows of, and no shard."""
    for entry in (await world.map_store.read()).moving:
        name = f"slot {entry.slot}"
        if name in resumed.failed or entry.shard in resumed.failed:
            continue
        with _noting(resumed, name):
            await move_slot(
                entry.slot,
                entry.moving_to or "",
                databases=world.databases,
                map_store=world.map_store,
                report=world.report,
                limits=world.limits,
            )
            resumed.moved.append(entry.slot)


async def _settle_arrivals(world: World, shard: str, resumed: Resumed) -> None:
    """What the source cannot tell because it is down, or has forgotten: the map tells whether the slot arrived."""
    async with side(world.databases, shard) as there:
        for arrival in await arrivals_of(there):
            entry = await world.entry(arrival.slot)
            if entry.moving_to == shard and not arrival.abandoned:
                continue  # on its way
            if (entry.shard, entry.epoch) == (shard, arrival.epoch):
                await there.rows("own_slot", slot=arrival.slot, epoch=arrival.epoch, move=arrival.move)
                world.did(arrival.slot, Step.OWNED)
                resumed.moved.append(arrival.slot)
            elif entry.shard != shard:
                await clear(world, there, arrival.slot, arrival.move)
                resumed.aborted.append(arrival.slot)
