"""Reading all events of a shard in an order in which none is ever skipped.

The order is that of (transaction id, position), both given by this server when the event arrived. A page ends below the
oldest transaction that is still under way: whatever commits later lies behind it. So a transaction that writes long, or
stays prepared, holds every reader: `Tail.lag` tells. Events of closed streams that were archived are among them.
"""

from __future__ import annotations

from typing import NamedTuple

import psycopg

from app.events.decoding import stored_events
from app.events.errors import EventStoreError
from app.events.model import Cursor, StoredEvent
from app.queries import Connects, Reads, query

PAGE = 1000
"""Events of one page."""

OTHER_CLUSTER = "LF010"
"""SQLSTATE by which the database refuses: its events carry transaction ids of another cluster."""


class RebaseNeeded(EventStoreError):
    """The database was restored into another cluster, and its events are not numbered anew yet: see docs/restore.md."""

    def __init__(self) -> None:
        super().__init__(
            "the events carry transaction ids of the cluster that they were dumped from: "
            "stop all writers and run `fortress shards rebase`"
        )


class TailLag(NamedTuple):
    """What keeps the tails of a shard from its newest events; times in seconds, 0 where nothing does."""

    oldest_transaction_id: int
    """A tail sees what is below it."""
    next_transaction_id: int
    writing_seconds: float
    """Age of the oldest transaction that has written and is under way."""
    prepared_seconds: float
    """Age of the oldest prepared transaction."""
    waiting_seconds: float
    """Age of the oldest event that is committed, and that no tail can see yet."""


class Epoch(NamedTuple):
    """The history that cursors of a shard belong to.

    A cursor that is kept elsewhere is good for as long as this stays the same. After a promotion, transactions that the
    new primary never got are missing, and their ids are used again: such a reader begins at START, and drops what it
    has by (stream, version).
    """

    system_identifier: int
    timeline: int


class Tail:
    """The events of one shard, in its order."""

    def __init__(self, database: Reads) -> None:
        self._database = database

    async def page(self, after: Cursor, *, limit: int = PAGE) -> list[StoredEvent]:
        """Return at most `limit` events behind a place; none where the reader has seen all that are visible.

        Raises RebaseNeeded, and DatabaseUnavailable.
        """
        parameters = {"transaction_id": after.transaction_id, "position": after.position, "limit": limit}
        try:
            rows = await self._database.rows(query("events.read_tail"), parameters)
        except psycopg.DatabaseError as error:
            if error.sqlstate == OTHER_CLUSTER:
                raise RebaseNeeded from None
            raise
        return stored_events(rows)

    async def lag(self) -> TailLag:
        """Return what holds the tail now; raise DatabaseUnavailable."""
        [row] = await self._database.rows(query("events.read_tail_lag"), {})
        return TailLag._make(row)

    async def epoch(self) -> Epoch:
        """Return the history that cursors belong to now; raise DatabaseUnavailable."""
        [row] = await self._database.rows(query("events.read_tail_epoch"), {})
        return Epoch._make(row)


async def rebase(database: Connects) -> int:
    """Give the events of a shard places in the order of the cluster that they are in now; their order stays.

    Return how many there were: 0 where they are of this cluster already. All or none: it may be interrupted and
    repeated. Appends wait meanwhile. Needs the rights of `ledger_operator`; raises DatabaseUnavailable.
    """
    async with database.dedicated() as connection:
        row = await (await connection.execute(query("events.rebase"))).fetchone()
    assert row is not None
    return int(row[0])
