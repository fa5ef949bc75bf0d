"""Appending to the streams of a shard, and reading them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import psycopg
from orjson import loads
from psycopg.errors import NumericValueOutOfRange

from app.batching import Batcher
from app.events.append import Append, array, encode, read_outcome
from app.events.decoding import past_events, stored_events
from app.events.errors import EventStoreError, TotalOutOfRange
from app.events.model import Appended, Head, PastEvent, StoredEvent, StoredSnapshot
from app.queries import Runs, query

LARGEST_BATCH = 64
"""Appends in one transaction: enough to share its commit, few enough to keep its locks short."""
IN_FLIGHT = 2
"""Transactions of one process and shard at a time: one is prepared and sent while the other is being committed."""


class GroupCommit:
    """Appends of one process to one shard: those that wait at the same time share a transaction.

    Each gets its own result or error.
    """

    def __init__(self, database: Runs, *, stored: Callable[[], None] = lambda: None) -> None:
        """Call `stored` after each transaction that stored something."""
        self._database = database
        self._stored = stored
        self._batches: Batcher[Append, Appended] = Batcher(
            self._commit,
            largest=LARGEST_BATCH,
            in_flight=IN_FLIGHT,
            key=lambda append: append.stream,
            isolate=psycopg.Error,
        )

    def submit(self, append: Append) -> asyncio.Future[Appended]:
        """Return the append's outcome, once it is durable or refused."""
        return self._batches.submit(append)

    async def _commit(self, batch: Sequence[Append]) -> list[Appended | EventStoreError]:
        appends = batch if len(batch) == 1 else sorted(batch, key=lambda append: append.order)
        text, parameters = encode(appends)
        # Without a key nobody could tell whether a first attempt was stored.
        run = self._database.rows if all(append.key_hash for append in appends) else self._database.rows_once
        try:
            rows = await run(text, parameters)
        except NumericValueOutOfRange:
            if len(batch) > 1:
                raise
            return [TotalOutOfRange(f"the running total of {batch[0].stream} would leave a bigint's range")]
        outcomes: dict[str, Appended | EventStoreError] = {}
        stored = False
        for row in rows:
            append = appends[row[0] - 1]
            outcomes[append.stream] = outcome = read_outcome(append, row)
            stored = stored or isinstance(outcome, Appended)
        if stored:
            self._stored()
        return [outcomes[append.stream] for append in batch]


class EventStore:
    """The streams of one shard."""

    def __init__(self, database: Runs, *, stored: Callable[[], None] = lambda: None) -> None:
        """Call `stored` after each transaction that stored events, to wake readers."""
        self._database = database
        self._commits = GroupCommit(database, stored=stored)

    async def append(self, append: Append) -> Appended:
        """Store events as the last of their stream, all or none; they are durable when this returns.

        Raises the errors of `app.events.errors`, and DatabaseUnavailable: then it is not known whether the events are
        stored, and an append with the same key tells.
        """
        return await self._commits.submit(append)

    async def head(self, stream: str) -> Head | None:
        """Return the head of a stream; None where nothing was ever appended to it."""
        rows = await self._database.rows(query("events.read_head"), {"stream": stream})
        return Head._make(rows[0]) if rows else None

    async def heads(self, streams: Sequence[str]) -> dict[str, Head]:
        """Return the heads of streams in one round trip, without streams that have no events."""
        rows = await self._database.rows(query("events.read_heads"), {"streams": array(streams)})
        return {stream: Head(*head) for stream, *head in rows}

    async def read(self, stream: str, *, after: int = 0, limit: int = 1000) -> list[StoredEvent]:
        """Return events of a stream in order, from the one behind version `after` on."""
        parameters = {"stream": stream, "after": after, "limit": limit}
        return stored_events(await self._database.rows(query("events.read_stream"), parameters))

    async def read_past(self, stream: str, *, after: int = 0, limit: int = 1000) -> list[PastEvent]:
        """Return what `read` returns, with only the columns that a state is folded from."""
        parameters = {"stream": stream, "after": after, "limit": limit}
        return past_events(stream, await self._database.rows(query("events.read_past"), parameters))

    async def read_from_snapshot(
        self, stream: str, *, schema_version: int, limit: int = 1000
    ) -> tuple[StoredSnapshot | None, list[PastEvent]]:
        """Return the latest snapshot of that schema version and the events behind it; else all events.

        One round trip. Where there are `limit` events or more there may be others behind them.
        """
        parameters = {"stream": stream, "schema_version": schema_version, "rows": limit + 1}
        rows = await self._database.rows(query("events.read_from_snapshot"), parameters)
        if rows and rows[0][1] is None:
            version, _, _, state = rows[0]
            return StoredSnapshot(version, loads(state)), past_events(stream, rows[1:])
        return None, past_events(stream, rows)

    async def probe(self) -> None:
        """Ask the database for its slots; raise what a read would."""
        await self._database.rows(query("events.probe"), {})
