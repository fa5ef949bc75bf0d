"""Appending to the streams of a shard, and reading them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from orjson import loads

from app.events.append import Append, array
from app.events.decoding import past_events, stored_events
from app.events.group_commit import GroupCommit
from app.events.model import Appended, Head, PastEvent, StoredEvent, StoredSnapshot
from app.queries import Runs, query


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
