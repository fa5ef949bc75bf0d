"""Copying the events of a slot, as often as it takes until little is left, and once more while writers wait.

What there is to copy is found by the ends of the streams: a stream that ends at version 7 has its events 1 to 7, all of
them committed, and what the target lacks of them is a range of versions. So a copy can break off anywhere and go on,
the copy of a stream never has a hole, and no other transaction can hold the copy back.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from psycopg.sql import SQL, Identifier

from app.sharding.mover.belongings import BELONGINGS, Belonging, Travels
from app.sharding.mover.checking import compare_ranges
from app.sharding.mover.errors import ChecksumMismatch
from app.sharding.mover.model import Departure, Limits, Progress, Report, Step
from app.sharding.mover.side import Side, pipe


class Range(NamedTuple):
    """Versions of a stream that the target lacks."""

    stream: str
    after: int
    upto: int

    @property
    def events(self) -> int:
        """How many there are."""
        return self.upto - self.after


class Copy:
    """The copy of one slot from one side to the other."""

    def __init__(self, move: Departure, source: Side, target: Side, *, limits: Limits, report: Report) -> None:
        self._move = move
        self._source = source
        self._target = target
        self._limits = limits
        self._report = report
        self._copied = 0

    async def round(self) -> int:
        """Copy what the source has now and the target has not, some in each transaction; how many events that was."""
        async with self._target.transaction():
            await self._land_heads()
        total = self._copied + await self._target.value("missing")
        before = self._copied
        more = total > before
        while more:
            async with self._target.transaction():
                more = self._may_be_more(await self._batch())
            self._report(Progress(self._move.slot, Step.COPYING, self._copied, total))
        return self._copied - before

    async def remainder(self) -> None:
        """Copy what is left, while nobody writes into the slot, and prove that both sides are the same.

        Raises ChecksumMismatch; what was proven before, when there was time for it, is not proven again.
        """
        async with self._target.transaction():
            await self._land_heads()
            more = True
            while more:
                ranges = await self._batch()
                if ranges:
                    await compare_ranges(self._move.slot, self._source, self._target, ranges)
                more = self._may_be_more(ranges)
            for each in BELONGINGS:
                if each.travels is Travels.AT_THE_FLIP:
                    await self._copy(each, slot=self._move.slot)
            different = await self._target.value("take_heads", slot=self._move.slot, move=self._move.move)
            if different:
                raise ChecksumMismatch(self._move.slot, f"the end of {different} of its streams", "one", "another")

    def _may_be_more(self, ranges: Sequence[Range]) -> bool:
        return sum(each.events for each in ranges) >= self._limits.batch_events

    async def _land_heads(self) -> None:
        await self._target.change("clear_heads")
        await pipe(self._source, "give_heads", self._target, "land_heads", slot=self._move.slot)

    async def _batch(self) -> Sequence[Range]:
        """Copy the next events, in the transaction that there is; none are left where none are given back."""
        rows = await self._target.rows("next_ranges", limit=self._limits.batch_events)
        ranges = [Range(*row) for row in rows]
        if not ranges:
            return ranges
        streams, after, upto = map(list, zip(*ranges, strict=True))
        await pipe(self._source, "give_events", self._target, "land_events", streams=streams, after=after, upto=upto)
        await self._target.rows("take_events", slot=self._move.slot, move=self._move.move)
        for each in BELONGINGS:
            if each.travels is Travels.WITH_STREAMS:
                await self._copy(each, streams=streams)
        self._copied += sum(each.events for each in ranges)
        return ranges

    async def _copy(self, belonging: Belonging, **parameters: object) -> None:
        landing = SQL("copy {} from stdin (format binary)").format(Identifier(f"arriving_{belonging.table}"))
        await pipe(self._source, f"belongings/{belonging.table}.give", self._target, landing, **parameters)
        slot = self._move.slot
        await self._target.change(f"belongings/{belonging.table}.take", slot=slot)
        await self._target.change_of(SQL("truncate {}").format(Identifier(f"arriving_{belonging.table}")))
