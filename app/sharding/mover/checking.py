"""Comparing the events of source and target: their number, the last version and a hash, for every stream."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from app.queries import Row
from app.sharding.mover.errors import ChecksumMismatch
from app.sharding.mover.shard_connection import ShardConnection

STREAMS_AT_ONCE = 500
COMPARED = ("the number of events", "the last version", "the hash of the events")


async def compare_all(slot: int, source: ShardConnection, target: ShardConnection) -> None:
    """Compare all events that the target has of a slot with the source; raise ChecksumMismatch."""
    after = ""
    while streams := await target.rows("read_streams", slot=slot, after=after, limit=STREAMS_AT_ONCE):
        names = [stream for stream, _ in streams]
        start = [0] * len(names)
        versions = [version for _, version in streams]
        ours, theirs = await asyncio.gather(
            _checksums(source, names, start, versions),
            # Without an upper end: events after the end of a stream must be noticed.
            _checksums(target, names, start, [None] * len(names)),
        )
        _compare(slot, ours, theirs)
        after = names[-1]


async def compare_ranges(
    slot: int, source: ShardConnection, target: ShardConnection, ranges: Sequence[tuple[str, int, int]]
) -> None:
    """Compare ranges of versions, as (stream, after, upto); raise ChecksumMismatch."""
    streams, after, upto = map(list, zip(*ranges, strict=True))
    ours, theirs = await asyncio.gather(
        _checksums(source, streams, after, upto), _checksums(target, streams, after, upto)
    )
    _compare(slot, ours, theirs)


async def _checksums(
    shard: ShardConnection, streams: Sequence[object], after: Sequence[object], upto: Sequence[object]
) -> dict[str, Row]:
    rows = await shard.rows("events_checksum", streams=streams, after=after, upto=upto)
    return {stream: tuple(checksum) for stream, *checksum in rows}


def _compare(slot: int, source: dict[str, Row], target: dict[str, Row]) -> None:
    for stream, expected in source.items():
        for what, ours, theirs in zip(COMPARED, expected, target[stream], strict=True):
            if ours != theirs:
                raise ChecksumMismatch(slot, f"{what} of {stream}", ours, theirs)
