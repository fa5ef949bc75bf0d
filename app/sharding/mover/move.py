"""Moving one slot to another shard while its streams are written and read.

Three databases take part, and no transaction spans them. The order of their changes keeps it safe: the source stops
first, the slot map decides, the target starts last. So a slot has at most one owner at any time, and after a crash
what the three say tells how to go on: until the map has decided both ways are open, after that only one.
"""

from __future__ import annotations

import asyncio
import random
import time
from uuid import uuid4

from psycopg.errors import LockNotAvailable

from app.database.pools import DatabaseUnavailable
from app.sharding.errors import MapError, SameShard, ShardNotActive, SlotBusy, SlotNotMoving, StaleMap
from app.sharding.map_store import MapStore
from app.sharding.mover.abort import abort, undo
from app.sharding.mover.checking import compare_all
from app.sharding.mover.copying import Copy
from app.sharding.mover.errors import (
    MapContradicts,
    MoveWasAborted,
    OtherMove,
    SlotNotOwned,
    SlotTooBusy,
    TargetNotReady,
)
from app.sharding.mover.model import Databases, Departure, Limits, Report, Step, no_report
from app.sharding.mover.side import Side, side
from app.sharding.mover.world import World
from app.sharding.slot_map import ShardState, SlotEntry, SlotState


async def move_slot(
    slot: int,
    target: str,
    *,
    databases: Databases,
    map_store: MapStore,
    report: Report = no_report,
    limits: Limits | None = None,
) -> SlotEntry:
    """Move a slot to the shard `target`, or go on with a move to there that broke off; its new entry in the map.

    The rows on the source stay until `drop_departed`. Raises a MoveError or a MapError, and DatabaseUnavailable: then
    the move can be resumed or aborted. Where that happens between the steps `left` and `owned`, writers of the slot
    wait until it is.
    """
    world = World(databases, map_store, limits or Limits(), report)
    known = await map_store.read()
    entry = known.entry(slot)
    if entry.shard == target:
        raise SameShard(slot, target)
    if entry.moving_to not in (None, target):
        raise SlotBusy(slot, entry.moving_to or "")
    if entry.state is SlotState.OWNED and known.state_of(target) is not ShardState.ACTIVE:
        raise ShardNotActive(target)
    async with world.alone(entry.shard, slot) as source:
        rows = await source.rows("begin_departure", slot=slot, epoch=entry.epoch, target=target, move=uuid4())
        if not rows:
            raise SlotNotOwned(slot, entry.epoch, entry.shard)
        departure = Departure(*rows[0])
        if departure.target != target or departure.aborting:
            raise OtherMove(slot, departure.target, aborting=departure.aborting)
        return await carry_on(world, source, departure)


async def carry_on(world: World, source: Side, departure: Departure) -> SlotEntry:
    """Go on where a move is, to its end; where it turns out to be aborted, to that end: MoveWasAborted."""
    try:
        return await _Move(world, source, departure).run()
    except MoveWasAborted:
        await undo(world, source, departure)
        raise


class _Move:
    """One move, from where it is."""

    def __init__(self, world: World, source: Side, departure: Departure) -> None:
        self._world = world
        self._source = source
        self._departure = departure
        self._slot = departure.slot

    async def run(self) -> SlotEntry:
        self._did(Step.BEGUN)
        entry = await self._world.entry(self._slot)
        if entry.epoch > self._departure.epoch:
            return await self._finish(entry)
        async with side(self._world.databases, self._departure.target) as target:
            if self._departure.step == "copying":
                entry = await self._announced(entry)
                await self._copy_and_leave(target)
            else:
                self._expect_to_move(entry)
                await self._compare_again(target)
            # The entry as it was while nobody else could move or abort: if it has changed since, the map refuses.
            entry = await self._world.persistently(lambda: self._decide(entry))
            return await self._finish(entry, target)

    async def _announced(self, entry: SlotEntry) -> SlotEntry:
        if entry.state is SlotState.OWNED:
            try:
                entry = await self._world.map_store.begin_move(entry, self._departure.target)
            except MapError:
                await abort(self._world, self._source, self._departure)
                raise
        self._expect_to_move(entry)
        self._did(Step.ANNOUNCED)
        return entry

    async def _copy_and_leave(self, target: Side) -> None:
        await self._arrive(target)
        copy = self._copy(target)
        copied = await copy.round()
        self._did(Step.COPIED, copied)
        await compare_all(self._slot, self._source, target)
        self._did(Step.VERIFIED, copied)
        await self._leave(copy)

    async def _arrive(self, target: Side) -> None:
        outcome = await target.value(
            "begin_arrival",
            slot=self._slot,
            epoch=self._departure.epoch + 1,
            source=self._source.shard,
            move=self._departure.move,
        )
        if outcome != "arriving":
            await abort(self._world, self._source, self._departure)
            raise TargetNotReady(self._slot, self._departure.target, _NOT_READY[outcome])
        await target.prepare_to_take()
        self._did(Step.ARRIVING)

    async def _leave(self, copy: Copy) -> None:
        """Find a moment to copy the rest in while writers wait, and stop the source in it."""
        limits = self._world.limits
        deadline = time.monotonic() + limits.patience_seconds
        last = 0
        while True:
            before, last = last, await copy.round()
            # Each round copies what was written during the one before; writers in a hurry keep it from getting less.
            if last <= limits.small_events or (last <= limits.batch_events and 0 < before < 2 * last):
                self._did(Step.CAUGHT_UP)
                if await self._try_to_leave(copy):
                    self._did(Step.LEFT)
                    return
                await asyncio.sleep(random.uniform(0.02, 0.2))  # noqa: S311  not for secrets
            if time.monotonic() > deadline:
                holders = [holder for (holder,) in await self._source.rows("slot_holders", slot=self._slot)]
                raise SlotTooBusy(self._slot, limits.patience_seconds, holders)

    async def _try_to_leave(self, copy: Copy) -> bool:
        limits = self._world.limits
        try:
            async with self._source.transaction():
                await self._source.rows(
                    "bound_lock", wait=_milliseconds(limits.lock_seconds), hold=_milliseconds(limits.hold_seconds)
                )
                await self._source.rows("lock_slot", slot=self._slot)
                locked = time.monotonic()
                self._did(Step.LOCKED)
                await copy.remainder()
                self._did(Step.COMPARED)
                if time.monotonic() - locked > limits.locked_seconds:
                    return False
                await self._source.rows("leave_slot", slot=self._slot, move=self._departure.move)
        except LockNotAvailable:
            return False
        return True

    async def _compare_again(self, target: Side) -> None:
        """The target may have been restored since: what counts is what is there now."""
        await target.prepare_to_take()
        await self._copy(target).remainder()
        await compare_all(self._slot, self._source, target)
        self._did(Step.COMPARED)

    async def _decide(self, entry: SlotEntry) -> SlotEntry:
        try:
            return await self._world.map_store.finish_move(entry)
        except (StaleMap, SlotNotMoving):
            # Perhaps by an attempt whose answer was lost.
            entry = await self._world.entry(self._slot)
            if entry.epoch > self._departure.epoch:
                return entry
            raise MoveWasAborted(self._slot, self._source.shard) from None

    async def _finish(self, entry: SlotEntry, target: Side | None = None) -> SlotEntry:
        self._did(Step.DECIDED)
        if (entry.shard, entry.epoch) == (self._departure.target, self._departure.epoch + 1):
            await self._own_by(target)
        self._did(Step.OWNED)
        await self._world.persistently(self._end)
        self._did(Step.MOVED)
        return entry

    async def _own_by(self, target: Side | None) -> None:
        """By the connection that there is, for writers wait; by others where that is lost."""
        if target is not None:
            try:
                await self._own(target)
            except DatabaseUnavailable:
                target = None
        if target is None:
            await self._world.persistently(self._own_anew)

    async def _own_anew(self) -> None:
        async with side(self._world.databases, self._departure.target) as target:
            await self._own(target)

    async def _own(self, target: Side) -> None:
        departure = self._departure
        if not await target.value("own_slot", slot=self._slot, epoch=departure.epoch + 1, move=departure.move):
            raise TargetNotReady(self._slot, departure.target, "it does not know that the slot arrives")

    async def _end(self) -> None:
        async with side(self._world.databases, self._source.shard) as source:
            await source.rows("end_departure", move=self._departure.move, step="moved")

    def _expect_to_move(self, entry: SlotEntry) -> None:
        if entry.state is SlotState.OWNED and entry.shard == self._source.shard:
            raise MoveWasAborted(self._slot, entry.shard)
        expected = (self._source.shard, self._departure.epoch, self._departure.target)
        if (entry.shard, entry.epoch, entry.moving_to) != expected:
            raise MapContradicts(self._slot, (entry.shard, entry.epoch, entry.moving_to), expected)

    def _copy(self, target: Side) -> Copy:
        return Copy(self._departure, self._source, target, limits=self._world.limits, report=self._world.report)

    def _did(self, step: Step, events: int = 0) -> None:
        self._world.did(self._slot, step, events)


def _milliseconds(seconds: float) -> str:
    return str(int(seconds * 1000))


_NOT_READY = {
    "busy": "an earlier move of it to there was aborted, and its rows are not dropped yet: resume the moves left over",
    "owned": "it owns it already, which the slot map does not say",
    "not dropped": "it still has its rows from the time before they left: drop those first",
}
