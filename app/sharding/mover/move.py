"""Moving one slot to another shard while its streams are read and written.

Three databases take part, and no transaction spans them. The order of changes keeps the move safe: the source stops,
then the slot map decides, then the target starts. So a slot has at most one owner at any time. After a crash the three
databases show how to go on: before the map's decision a move can be finished or aborted, after it only finished.
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
from app.sharding.mover.context import MoveContext
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
from app.sharding.mover.shard_connection import ShardConnection, connect
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
    """Move a slot to the shard `target`, or resume such a move, and return the slot's new entry in the map.

    The rows on the source stay until `drop_departed`. Raises a MoveError, a MapError or DatabaseUnavailable; the move
    can then be resumed or aborted. After an error between the steps LEFT and OWNED, writers of the slot wait for that.
    """
    context = MoveContext(databases, map_store, limits or Limits(), report)
    known = await map_store.read()
    entry = known.entry(slot)
    if entry.shard == target:
        raise SameShard(slot, target)
    if entry.moving_to not in (None, target):
        raise SlotBusy(slot, entry.moving_to or "")
    if entry.state is SlotState.OWNED and known.state_of(target) is not ShardState.ACTIVE:
        raise ShardNotActive(target)
    async with context.lock_move(entry.shard, slot) as source:
        rows = await source.rows("begin_departure", slot=slot, epoch=entry.epoch, target=target, move=uuid4())
        if not rows:
            raise SlotNotOwned(slot, entry.epoch, entry.shard)
        departure = Departure(*rows[0])
        if departure.target != target or departure.aborting:
            raise OtherMove(slot, departure.target, aborting=departure.aborting)
        return await finish_move(context, source, departure)


async def finish_move(context: MoveContext, source: ShardConnection, departure: Departure) -> SlotEntry:
    """Continue a move from its record to its end. If it was aborted, undo it and raise MoveWasAborted."""
    try:
        return await _Move(context, source, departure).run()
    except MoveWasAborted:
        await undo(context, source, departure)
        raise


class _Move:
    """One move, continued from its record."""

    def __init__(self, context: MoveContext, source: ShardConnection, departure: Departure) -> None:
        self._context = context
        self._source = source
        self._departure = departure
        self._slot = departure.slot

    async def run(self) -> SlotEntry:
        self._report_step(Step.BEGUN)
        entry = await self._context.entry(self._slot)
        if entry.epoch > self._departure.epoch:
            return await self._finish(entry)
        async with connect(self._context.databases, self._departure.target) as target:
            if self._departure.step == "copying":
                entry = await self._announce(entry)
                await self._copy_and_leave(target)
            else:
                self._check_moving(entry)
                await self._compare_again(target)
            # The entry as it was under the lock: if it has changed since, the map refuses.
            entry = await self._context.retry(lambda: self._decide(entry))
            return await self._finish(entry, target)

    async def _announce(self, entry: SlotEntry) -> SlotEntry:
        if entry.state is SlotState.OWNED:
            try:
                entry = await self._context.map_store.begin_move(entry, self._departure.target)
            except MapError:
                await abort(self._context, self._source, self._departure)
                raise
        self._check_moving(entry)
        self._report_step(Step.ANNOUNCED)
        return entry

    async def _copy_and_leave(self, target: ShardConnection) -> None:
        await self._arrive(target)
        copy = self._copy(target)
        copied = await copy.copy_round()
        self._report_step(Step.COPIED, copied)
        await compare_all(self._slot, self._source, target)
        self._report_step(Step.VERIFIED, copied)
        await self._leave(copy)

    async def _arrive(self, target: ShardConnection) -> None:
        outcome = await target.value(
            "begin_arrival",
            slot=self._slot,
            epoch=self._departure.epoch + 1,
            source=self._source.shard,
            move=self._departure.move,
        )
        if outcome != "arriving":
            await abort(self._context, self._source, self._departure)
            raise TargetNotReady(self._slot, self._departure.target, _NOT_READY[outcome])
        await target.prepare_to_receive()
        self._report_step(Step.ARRIVING)

    async def _leave(self, copy: Copy) -> None:
        """Wait for a quiet moment, copy the rest while writers wait, and stop the source."""
        limits = self._context.limits
        deadline = time.monotonic() + limits.patience_seconds
        last = 0
        while True:
            before, last = last, await copy.copy_round()
            # A round copies what was written during the one before: under heavy writes rounds stop getting smaller.
            if last <= limits.small_events or (last <= limits.batch_events and 0 < before < 2 * last):
                self._report_step(Step.CAUGHT_UP)
                if await self._try_to_leave(copy):
                    self._report_step(Step.LEFT)
                    return
                await asyncio.sleep(random.uniform(0.02, 0.2))  # noqa: S311  not a secret
            if time.monotonic() > deadline:
                holders = [holder for (holder,) in await self._source.rows("slot_holders", slot=self._slot)]
                raise SlotTooBusy(self._slot, limits.patience_seconds, holders)

    async def _try_to_leave(self, copy: Copy) -> bool:
        limits = self._context.limits
        try:
            async with self._source.transaction():
                await self._source.rows(
                    "limit_lock", wait=_milliseconds(limits.lock_seconds), hold=_milliseconds(limits.hold_seconds)
                )
                await self._source.rows("lock_slot", slot=self._slot)
                locked = time.monotonic()
                self._report_step(Step.LOCKED)
                await copy.copy_remainder()
                self._report_step(Step.COMPARED)
                if time.monotonic() - locked > limits.locked_seconds:
                    return False
                await self._source.rows("leave_slot", slot=self._slot, move=self._departure.move)
        except LockNotAvailable:
            return False
        return True

    async def _compare_again(self, target: ShardConnection) -> None:
        """Compare again before the decision: the target may have been restored since."""
        await target.prepare_to_receive()
        await self._copy(target).copy_remainder()
        await compare_all(self._slot, self._source, target)
        self._report_step(Step.COMPARED)

    async def _decide(self, entry: SlotEntry) -> SlotEntry:
        try:
            return await self._context.map_store.finish_move(entry)
        except (StaleMap, SlotNotMoving):
            # Perhaps an earlier attempt finished it, and its answer was lost.
            entry = await self._context.entry(self._slot)
            if entry.epoch > self._departure.epoch:
                return entry
            raise MoveWasAborted(self._slot, self._source.shard) from None

    async def _finish(self, entry: SlotEntry, target: ShardConnection | None = None) -> SlotEntry:
        self._report_step(Step.DECIDED)
        if (entry.shard, entry.epoch) == (self._departure.target, self._departure.epoch + 1):
            await self._own_by(target)
        self._report_step(Step.OWNED)
        await self._context.retry(self._end)
        self._report_step(Step.MOVED)
        return entry

    async def _own_by(self, target: ShardConnection | None) -> None:
        """Own the slot by the open connection, because writers wait; by new ones if that is lost."""
        if target is not None:
            try:
                await self._own(target)
            except DatabaseUnavailable:
                target = None
        if target is None:
            await self._context.retry(self._reconnect_and_own)

    async def _reconnect_and_own(self) -> None:
        async with connect(self._context.databases, self._departure.target) as target:
            await self._own(target)

    async def _own(self, target: ShardConnection) -> None:
        departure = self._departure
        if not await target.value("own_slot", slot=self._slot, epoch=departure.epoch + 1, move=departure.move):
            raise TargetNotReady(self._slot, departure.target, "it has no record of the arrival")

    async def _end(self) -> None:
        async with connect(self._context.databases, self._source.shard) as source:
            await source.rows("end_departure", move=self._departure.move, step="moved")

    def _check_moving(self, entry: SlotEntry) -> None:
        if entry.state is SlotState.OWNED and entry.shard == self._source.shard:
            raise MoveWasAborted(self._slot, entry.shard)
        expected = (self._source.shard, self._departure.epoch, self._departure.target)
        if (entry.shard, entry.epoch, entry.moving_to) != expected:
            raise MapContradicts(self._slot, (entry.shard, entry.epoch, entry.moving_to), expected)

    def _copy(self, target: ShardConnection) -> Copy:
        return Copy(self._departure, self._source, target, limits=self._context.limits, report=self._context.report)

    def _report_step(self, step: Step, events: int = 0) -> None:
        self._context.report_step(self._slot, step, events)


def _milliseconds(seconds: float) -> str:
    return str(int(seconds * 1000))


_NOT_READY = {
    "busy": "rows of an earlier, aborted move are not dropped yet: run `fortress shards resume`",
    "owned": "it owns the slot already, which contradicts the slot map",
    "not dropped": "it still has rows from before the slot left it: run `fortress shards drop` first",
}
