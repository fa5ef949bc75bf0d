"""Bringing millions of events into a shard by binary COPY, in chunks that are stored as a whole or not at all.

What an event costs here is its row in the table and its indexes: the database is not asked for each of them. Appends to
the slots of a chunk wait until it is stored.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import NamedTuple

from psycopg import AsyncConnection
from psycopg.errors import NumericValueOutOfRange, UniqueViolation

from app.events.errors import DuplicateEvent, EventStoreError, ImportRefused, TotalOutOfRange
from app.events.import_chunk import Chunk, ImportedEvent
from app.events.model import Slot
from app.queries import Connects, Row, query

CHUNK = 20_000
"""Events in one transaction: it bounds the memory, and the time that appends and tails wait."""
LOCK_SECONDS = 10
"""The longest wait for those who write into the slots of a chunk."""

Connection = AsyncConnection[Row]
Place = Callable[[str], Slot | None]


class Progress(NamedTuple):
    """How far an import is."""

    position: int
    """Events of the input that are dealt with."""
    stored: int
    """Events that this run has stored."""


def no_progress(_: Progress) -> None:
    """Ignore the progress."""


async def import_events(
    database: Connects,
    events: Iterable[ImportedEvent],
    *,
    name: str,
    place: Place,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    chunk: int = CHUNK,
    progress: Callable[[Progress], None] = no_progress,
) -> Progress:
    """Store the events that live on this shard: `place` gives the slot of a stream, None where it is on another one.

    `name` stands for the input on this shard: called again with the same events an import goes on behind its last
    chunk, and does nothing where it was finished. Raises ImportRefused and DatabaseUnavailable; nothing of the chunk
    under way is stored then.
    """
    source = iter(events)
    stored = 0
    async with database.dedicated() as connection:
        await connection.execute(f"set lock_timeout = '{LOCK_SECONDS}s'")
        position = await _position(connection, name)
        _skip(source, position)
        while block := _taken(source, chunk):
            upto = position + len(block)
            try:
                stored += await _store(connection, Chunk(block, place), (name, position, upto), now())
            except EventStoreError as error:
                raise ImportRefused(name, position, str(error)) from error
            position = upto
            progress(Progress(position, stored))
    return Progress(position, stored)


async def _store(connection: Connection, chunk: Chunk, step: tuple[str, int, int], recorded_at: datetime) -> int:
    """Store a chunk, and that it is; how many events."""
    parameters = dict(zip(("name", "after", "upto"), step, strict=True)) | chunk.parameters()
    try:
        async with connection.transaction():
            cursor = await connection.execute(query("events.begin_import"), parameters, binary=True)
            chunk.begin(await cursor.fetchall())
            async with connection.cursor().copy(query("events.import_events")) as copy:
                for piece in chunk.pieces(recorded_at):
                    await copy.write(piece)
    except UniqueViolation as error:
        raise DuplicateEvent(error.diag.message_detail or str(error)) from None
    except NumericValueOutOfRange:
        raise TotalOutOfRange("the running total of a stream would leave the range of a bigint") from None
    return len(chunk.events)


async def _position(connection: Connection, name: str) -> int:
    cursor = await connection.execute(query("events.read_import_position"), {"name": name})
    row = await cursor.fetchone()
    return row[0] if row else 0


def _taken(source: Iterator[ImportedEvent], count: int) -> list[ImportedEvent]:
    """Return the next events of the input.

    Python's collector looks through all that is alive again and again while so many objects are made, which takes
    longer than making them: until they are all there it is told to wait.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        return list(islice(source, count))
    finally:
        if was_enabled:
            gc.enable()


def _skip(source: Iterator[ImportedEvent], position: int) -> None:
    next(islice(source, position, position), None)
