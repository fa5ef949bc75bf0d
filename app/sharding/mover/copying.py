"""Copying the events of a slot: in rounds until little is left, and a last time while writers wait.

The ends of the streams show what to copy: a stream that ends at version 7 has committed its events 1 to 7, so the
target lacks a range of versions. Hence a copy can stop anywhere and go on later, the copy of a stream never has a gap,
and no open transaction holds the copy back.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from psycopg.sql import SQL, Identifier

from app.sharding.mover.checking import compare_ranges
from app.sharding.mover.errors import ChecksumMismatch
from app.sharding.mover.model import Departure, Limits, Progress, Report, Step
from app.sharding.mover.shard_connection import ShardConnection, pipe
from app.sharding.mover.slot_tables import SLOT_TABLES, CopyStrategy, SlotTable


class Range(NamedTuple):
    """Versions of a stream that the target lacks: after `after`, up to and including `upto`."""

    stream: str
    after: int
    upto: int

    @property
    def events(self) -> int:
        """Number of events in the range."""
        return self.upto - self.after


class Copy:
    """Copies one slot from the source to the target."""

    def __init__(
        self, move: Departure, source: ShardConnection, target: ShardConnection, *, limits: Limits, report: Report
    ) -> None:
        self._move = move
        self._source = source
        self._target = target
        self._limits = limits
        self._report = report
        self._copied = 0

    async def copy_round(self) -> int:
        """Copy what the target lacks now, in batches of one transaction each; return the number of events."""
        async with self._target.transaction():
            await self._land_heads()
        total = self._copied + await self._target.value("count_missing_events")
        before = self._copied
        more = total > before
        while more:
            async with self._target.transaction():
                more = self._may_be_more(await self._batch())
            self._report(Progress(self._move.slot, Step.COPYING, self._copied, total))
        return self._copied - before

    async def copy_remainder(self) -> None:
        """Copy the rest while nobody writes to the slot, and compare that rest on both sides.

        Raises ChecksumMismatch. Earlier rounds are compared before writers wait, and not again here.
        """
        async with self._target.transaction():
            await self._land_heads()
            more = True
            while more:
                ranges = await self._batch()
                if ranges:
                    await compare_ranges(self._move.slot, self._source, self._target, ranges)
                more = self._may_be_more(ranges)
            for slot_table in SLOT_TABLES:
                if slot_table.copied is CopyStrategy.AT_THE_FLIP:
                    await self._copy(slot_table, slot=self._move.slot)
            different = await self._target.value("take_heads", slot=self._move.slot, move=self._move.move)
            if different:
                raise ChecksumMismatch(self._move.slot, f"the end of {different} of its streams", "one", "another")

    def _may_be_more(self, ranges: Sequence[Range]) -> bool:
        return sum(versions.events for versions in ranges) >= self._limits.batch_events

    async def _land_heads(self) -> None:
        await self._target.run("clear_heads")
        await pipe(self._source, "send_heads", self._target, "land_heads", slot=self._move.slot)

    async def _batch(self) -> Sequence[Range]:
        """Copy the next events in the open transaction and return their ranges; none if nothing is left."""
        rows = await self._target.rows("next_ranges", limit=self._limits.batch_events)
        ranges = [Range(*row) for row in rows]
        if not ranges:
            return ranges
        streams, after, upto = map(list, zip(*ranges, strict=True))
        await pipe(self._source, "send_events", self._target, "land_events", streams=streams, after=after, upto=upto)
        await self._target.rows("take_events", slot=self._move.slot, move=self._move.move)
        for slot_table in SLOT_TABLES:
            if slot_table.copied is CopyStrategy.WITH_STREAMS:
                await self._copy(slot_table, streams=streams)
        self._copied += sum(versions.events for versions in ranges)
        return ranges

    async def _copy(self, slot_table: SlotTable, **parameters: object) -> None:
        receive = SQL("copy {} from stdin (format binary)").format(Identifier(f"arriving_{slot_table.table}"))
        await pipe(self._source, f"send_{slot_table.table}", self._target, receive, **parameters)
        slot = self._move.slot
        await self._target.run(f"receive_{slot_table.table}", slot=slot)
        await self._target.run_composed(SQL("truncate {}").format(Identifier(f"arriving_{slot_table.table}")))
