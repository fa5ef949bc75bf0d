"""Proof that the events on the target are those of the source: count, last version and a hash, for every stream."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from app.sharding.mover.errors import ChecksumMismatch
from app.sharding.mover.side import Row, Side

STREAMS_AT_ONCE = 500
WHAT = ("the number of events", "the last version", "the hash of the events")


async def compare_all(slot: int, source: Side, target: Side) -> None:
    """All that the target has of a slot, against what the source has up to there; raises ChecksumMismatch."""
    after = ""
    while streams := await target.rows("streams_of_slot", slot=slot, after=after, limit=STREAMS_AT_ONCE):
        names = [stream for stream, _ in streams]
        start = [0] * len(names)
        versions = [version for _, version in streams]
        ours, theirs = await asyncio.gather(
            _checksums(source, names, start, versions),
            # All of it: so something behind the end of a stream would be seen.
            _checksums(target, names, start, [None] * len(names)),
        )
        _compare(slot, ours, theirs)
        after = names[-1]


async def compare_ranges(slot: int, source: Side, target: Side, ranges: Sequence[tuple[str, int, int]]) -> None:
    """Some versions of some streams on both sides; raises ChecksumMismatch."""
    streams, after, upto = map(list, zip(*ranges, strict=True))
    ours, theirs = await asyncio.gather(
        _checksums(source, streams, after, upto), _checksums(target, streams, after, upto)
    )
    _compare(slot, ours, theirs)


async def _checksums(
    side: Side, streams: Sequence[object], after: Sequence[object], upto: Sequence[object]
) -> dict[str, Row]:
    rows = await side.rows("events_checksum", streams=streams, after=after, upto=upto)
    return {stream: tuple(checksum) for stream, *checksum in rows}


def _compare(slot: int, source: dict[str, Row], target: dict[str, Row]) -> None:
    for stream, expected in source.items():
        for what, ours, theirs in zip(WHAT, expected, target[stream], strict=True):
            if ours != theirs:
                raise ChecksumMismatch(slot, f"{what} of {stream}", ours, theirs)
