"""Keep one read model of one shard up to date, exactly once, and build its next generation."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

import structlog
from psycopg import AsyncConnection

from app.background import Worker, with_leadership
from app.database.leadership import Leaderships
from app.events import Cursor, StoredEvent, Tail, Wakeup
from app.events.decoding import stored_events
from app.events.tailing import PAGE
from app.events.wakeup import POLL_SECONDS, Pace
from app.projections.order import unseen
from app.projections.projection import Connection, Generation, Projection, ProjectionLag
from app.queries import Connects, Reads, query
from app.topology import Shard

COUNTED = 10_000
"""A lag is counted up to this many events: what is behind by more is simply far behind."""

log = structlog.get_logger(__name__)


class Database(Reads, Connects, Protocol):
    """The database of a shard, as far as projections need it."""

    @property
    def shard(self) -> Shard:
        """Return the shard that the database belongs to."""
        ...

    def connection(self) -> AbstractAsyncContextManager[AsyncConnection[Any]]:
        """Take a connection of the pool."""
        ...


class Projector:
    """One projection on one shard.

    A page of events, the rows they lead to, the last version of each of their streams and the place behind them are one
    transaction: whatever is killed, all of it is there or nothing. Of two processes at the same page one finds the
    place moved, and begins anew.
    """

    def __init__(
        self,
        database: Database,
        projection: Projection,
        *,
        wakeup: Wakeup | None = None,
        limit: int = PAGE,
        poll_seconds: float = POLL_SECONDS,
        rest_seconds: float = 0.0,
    ) -> None:
        """`rest_seconds`: the pause behind a page that is not full; a page has its price, however little is in it."""
        self._database = database
        self._projection = projection
        self._tail = Tail(database)
        self._wakeup = wakeup
        self._limit = limit
        self._poll_seconds = poll_seconds
        self._rest_seconds = rest_seconds

    def workers(self, leaderships: Leaderships | None = None) -> Iterator[Worker]:
        """Yield the background workers; one process a shard runs them.

        `leaderships` of the process on the shard, by default some of its own.
        """
        leaderships = leaderships or Leaderships(self._database)
        of = f"{self._projection.name} of {self._database.shard.name}"
        yield with_leadership(leaderships, Worker(f"projection {of}", self.serve))
        # By itself: however it fares, the generation that serves goes on.
        yield with_leadership(leaderships, Worker(f"rebuilding {of}", self.build))

    async def serve(self) -> None:
        """Keep the generation that serves up to date, without end; raises DatabaseUnavailable and RebaseNeeded."""
        await self._database.rows(query("projections.begin_projection"), {"projection": self._projection.name})
        await self._repeat(self.serve_page)

    async def build(self) -> None:
        """Build generations that are asked for, without end, and take away those that nobody reads any more."""
        await self._repeat(self.build_page)

    async def serve_page(self) -> int:
        """Apply the next page to the generation that serves; how many events it had, and where any, more may come."""
        generation = await self._generation("serving")
        return 0 if generation is None else await self._advance(generation)

    async def build_page(self) -> int:
        """Apply the next page to the generation that is built; it serves once it has come as far as the other.

        How much was done: where it was anything, more may come.
        """
        generation = await self._generation("building")
        if generation is None:
            return int(await self._discard())
        return await self._advance(generation) or int(await self._switch(generation))

    async def _repeat(self, page: Callable[[], Awaitable[int]]) -> None:
        pace = Pace(self._wakeup, poll_seconds=self._poll_seconds)
        while True:
            done = await page()
            if not done:
                await pace.pause()
                continue
            pace.quicken()
            if done < self._limit:
                await asyncio.sleep(self._rest_seconds)

    async def _generation(self, state: str) -> Generation | None:
        parameters = {"projection": self._projection.name, "state": state}
        rows = await self._database.rows(query("projections.read_generation"), parameters)
        return Generation(rows[0][0], rows[0][1], Cursor(*rows[0][2:])) if rows else None

    async def _advance(self, generation: Generation) -> int:
        page = await self._tail.page(generation.place, limit=self._limit)
        if page:
            async with self._database.connection() as connection, connection.transaction():
                if await self._claim(connection, generation, page):
                    await self._apply(connection, generation.number, page)
        return len(page)

    async def _claim(self, connection: Connection, generation: Generation, page: Sequence[StoredEvent]) -> bool:
        """Move the place behind the page; false where it is no longer where it was."""
        claimed = await connection.execute(
            query("projections.advance_checkpoint"),
            self._of(generation.number)
            | {
                "epoch": generation.epoch,
                "from_transaction_id": generation.place.transaction_id,
                "from_position": generation.place.position,
                "to_transaction_id": page[-1].transaction_id,
                "to_position": page[-1].position,
                "events": len(page),
            },
        )
        return claimed.rowcount == 1

    async def _apply(self, connection: Connection, generation: int, page: Sequence[StoredEvent]) -> None:
        last = {event.stream: event.version for event in page}
        asked = self._of(generation) | {"streams": list(last), "versions": list(last.values())}
        rows = await (await connection.execute(query("projections.read_versions"), asked)).fetchall()
        slots = {stream: slot for stream, slot, _ in rows}
        versions = {stream: version for stream, _, version in rows}

        async def between(stream: str, after: int, before: int) -> list[StoredEvent]:
            asked = {"stream": stream, "after": after, "before": before}
            cursor = await connection.execute(query("projections.read_between"), asked, binary=True)
            return stored_events(await cursor.fetchall())

        events = await unseen(page, versions, between)
        if not events:
            return
        await self._projection.apply(connection, events, generation=generation)
        streams = list({event.stream for event in events})
        kept = self._of(generation) | {
            "streams": streams,
            "slots": [slots[stream] for stream in streams],
            "versions": [versions[stream] for stream in streams],
        }
        await connection.execute(query("projections.keep_versions"), kept)

    async def _switch(self, generation: Generation) -> bool:
        [(serves,)] = await self._database.rows(query("projections.serve_generation"), self._of(generation.number))
        if serves:
            log.info("read model switched", **self._of(generation.number), shard=self._database.shard.name)
        return bool(serves)

    async def _discard(self) -> bool:
        async with self._database.connection() as connection, connection.transaction():
            retired = await (
                await connection.execute(query("projections.lock_retired_generation"), self._of(0))
            ).fetchone()
            if retired is None:
                return False
            await self._projection.discard(connection, generation=retired[0])
            await connection.execute(query("projections.forget_generation"), self._of(retired[0]))
        return True

    def _of(self, generation: int) -> dict[str, Any]:
        return {"projection": self._projection.name, "generation": generation}


async def rebuild(database: Database, projection: str) -> int:
    """Start building a new generation from the first event, while the present one serves; return its number.

    Where one is being built already, that one's. Raises KeyError where the projection has never run on the shard.
    """
    [(generation,)] = await database.rows(query("projections.rebuild_projection"), {"projection": projection})
    if generation is None:
        raise KeyError(f"no projection {projection} has run on shard {database.shard.name}")
    return int(generation)


async def lags(database: Database, *, most: int = COUNTED) -> list[ProjectionLag]:
    """Return how far each read model of a shard is behind; raise DatabaseUnavailable."""
    return [ProjectionLag._make(row) for row in await database.rows(query("projections.read_lag"), {"most": most})]
