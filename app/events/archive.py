"""Moving the events of closed streams out of the way of those that live, without losing sight of them.

The last event of a stream stays where it was: so its idempotency key goes on telling who closed the stream. The keys of
the archived ones are not asked any more, a repetition of such an append is told that the stream is closed.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from app.events.errors import InvalidEvent
from app.queries import Reads, query

BATCH = 5000
"""Events in one transaction, for which every tail of the shard waits."""
STREAMS = 500
"""Streams that are looked up at once."""


class Archived(NamedTuple):
    """What was moved."""

    streams: int
    events: int


def no_progress(_: Archived) -> None:
    """Ignore the progress."""


async def archive(
    database: Reads,
    *,
    closed_before: datetime,
    batch: int = BATCH,
    progress: Callable[[Archived], None] = no_progress,
) -> Archived:
    """Move the events of the streams of a shard that were closed before then, all but the last of each.

    Events keep their place in every order. Each batch is a transaction: the work may be interrupted and repeated.
    Raises DatabaseUnavailable.
    """
    if closed_before.tzinfo is None:
        raise InvalidEvent(f"{closed_before.isoformat()} has no time zone")
    done = Archived(0, 0)
    after = ""
    while True:
        parameters = {"after": after, "closed_before": closed_before, "limit": STREAMS}
        found = await database.rows(query("events.read_closed_streams"), parameters)
        if not found:
            return done
        for (stream,) in found:
            moved = await _archive_stream(database, stream, batch)
            done = Archived(done.streams + 1, done.events + moved)
            progress(done)
        after = found[-1][0]


async def _archive_stream(database: Reads, stream: str, batch: int) -> int:
    total = 0
    while True:
        [row] = await database.rows(query("events.archive_events"), {"stream": stream, "limit": batch})
        moved: int = row[0]
        total += moved
        if moved < batch:
            return total
