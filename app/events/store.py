"""Appending to streams and reading them, each in one round trip."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from typing import Any, Protocol

from psycopg.errors import NumericValueOutOfRange

from app.events.model import Appended, Head, Json, KeyReused, NewEvent, StoredEvent, TotalOutOfRange, VersionConflict
from app.events.statements import statement

Row = tuple[Any, ...]


class Database(Protocol):
    """The database of a shard, as far as the store needs it."""

    async def rows(self, statement: str, parameters: Mapping[str, Any]) -> list[Row]:
        """Run a statement that may safely run twice; all its rows."""
        ...


class EventStore:
    """The streams of one shard."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def append(
        self,
        stream: str,
        event: NewEvent,
        *,
        idempotency_key: str | None = None,
        expected_version: int | None = None,
    ) -> Appended:
        """Store an event as the last of its stream; it is durable when this returns.

        The same `idempotency_key` with the same event returns what the first call did. Raises KeyReused where the key
        stands for another event, VersionConflict where the stream is not at `expected_version`, and TotalOutOfRange.
        """
        parameters = {
            "stream": stream,
            "type": event.type,
            "data": _text(event.data),
            "metadata": _text(event.metadata),
            "change": event.change,
            # Every event has a key: so a call whose connection was lost can be repeated without storing it twice.
            "idempotency_key": idempotency_key or f"once-{uuid.uuid4()}",
            "expected_version": expected_version,
        }
        try:
            [(outcome, version, position, total)] = await self._database.rows(statement("append"), parameters)
        except NumericValueOutOfRange:
            raise TotalOutOfRange(f"the running total of {stream} would leave the range of a bigint") from None
        if outcome == "key reused":
            raise KeyReused(f"the idempotency key already stands for another event of {stream}")
        if outcome == "version conflict":
            raise VersionConflict(stream, expected_version or 0, version)
        return Appended(version, position, total, repeated=outcome == "repeated")

    async def head(self, stream: str) -> Head | None:
        """Where a stream ends; None where nothing was ever appended to it."""
        rows = await self._database.rows(statement("read_head"), {"stream": stream})
        return Head(*rows[0]) if rows else None

    async def read(self, stream: str, *, after: int = 0, limit: int = 1000) -> list[StoredEvent]:
        """Events of a stream in order, from the one behind version `after` on."""
        parameters = {"stream": stream, "after": after, "limit": limit}
        return [StoredEvent(*row) for row in await self._database.rows(statement("read_stream"), parameters)]

    async def probe(self) -> None:
        """Ask the database for an event, whatever one; raises what a read would."""
        await self._database.rows(statement("probe"), {})


def _text(document: Json) -> str:
    """JSON that is the same text for the same content, so that two contents can be compared as texts."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
