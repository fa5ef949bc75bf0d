"""A shard in its role in a transfer: each method is one round trip to its database."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from functools import cache
from typing import Any

import orjson
import psycopg
from psycopg import errors
from psycopg.sql import SQL, Literal

from app.database import DatabaseUnavailable, ShardDatabase
from app.database.pools import Connection
from app.events import Appended, EventStoreError, TotalOutOfRange
from app.events.append import Append, parameters_of, read_outcome
from app.queries import query
from app.transfers.model import Decision, Gid, Prepared

REFUSED = "LF001"
"""SQLSTATE that `require_stored` raises."""

SETTLE: Mapping[Decision, SQL] = {
    Decision.COMMIT: SQL("commit prepared {}"),
    Decision.ABORT: SQL("rollback prepared {}"),
}
LOST_RACES = (
    errors.LockNotAvailable,
    errors.DeadlockDetected,
    errors.QueryCanceled,
    errors.OutOfMemory,  # PostgreSQL raises it when max_prepared_transactions is reached
)


class Stored(Exception):
    """An earlier call with the same key stored the append."""


class LostRace(Exception):
    """The database rolled the transaction back in favour of another one; it may be retried."""


class Aborted(LostRace):
    """The attempt was aborted before it decided."""


class Unanswered(DatabaseUnavailable):
    """The connection was lost after the request was sent: its effect is unknown."""


class Participant:
    """A shard in its role in a transfer. Raises DatabaseUnavailable; Unanswered if the request may have arrived."""

    def __init__(self, waiting: ShardDatabase, settling: ShardDatabase) -> None:
        """`waiting` serves requests that may wait for locks, `settling` all others."""
        self._waiting = waiting
        self._database = settling

    @property
    def name(self) -> str:
        """Name of the shard."""
        return self._database.shard.name

    async def append_all(self, requests: Sequence[Append], now: datetime | None) -> list[Appended]:
        """Store all appends or none; raise the errors of the event store, Stored and LostRace."""
        parameters = parameters_of(requests, now)
        async with self._requesting(requests, self._waiting) as connection:
            cursor = await connection.execute(_with_append("append_all"), parameters, binary=True)
            rows = await cursor.fetchall()
        return [_stored(requests[row[0] - 1], row) for row in rows]

    async def prepare(self, request: Append, now: datetime | None, gid: Gid) -> Appended:
        """Prepare a transaction with an append: stored once it is committed. Raises what `append_all` raises."""
        async with self._requesting([request], self._waiting) as connection:
            async with connection.pipeline():
                parameters = parameters_of([request], now)
                await connection.execute("begin")
                cursor = await connection.execute(_with_append("append_all"), parameters, binary=True)
                await connection.execute(SQL("prepare transaction {}").format(Literal(str(gid))), prepare=False)
            return _stored(request, await cursor.fetchone())

    async def decide(self, request: Append, now: datetime | None, attempt: uuid.UUID, participant: str) -> Appended:
        """Store an append together with the decision to commit; raise what `append_all` raises, and Aborted."""
        parameters = {**parameters_of([request], now), "attempt": attempt, "participant": participant}
        async with self._requesting([request], self._waiting) as connection:
            cursor = await connection.execute(_with_append("decide"), parameters, binary=True)
            return _stored(request, await cursor.fetchone())

    async def settle(self, gid: Gid | str, decision: Decision) -> None:
        """Commit or roll back a prepared transaction; do nothing if it no longer exists."""
        async with self._requesting([], self._database) as connection:
            try:
                await connection.execute(SETTLE[decision].format(Literal(str(gid))), prepare=False)
            except errors.UndefinedObject:
                return
            except errors.ObjectNotInPrerequisiteState as busy:
                raise LostRace("another process settles it") from busy

    async def abort(self, attempt: uuid.UUID, participant: str, *, seconds: float | None = None) -> Decision:
        """Decide to abort an attempt unless it is decided already; return the decision."""
        parameters = {"attempt": attempt, "participant": participant}
        return Decision((await self._database.rows(query("transfers.abort"), parameters, seconds=seconds))[0][0])

    async def find(self, request: Append) -> Appended | None:
        """Return what an earlier call with the same key stored, or None."""
        rows = await self._database.rows(
            query("transfers.find_append"), {"stream": request.stream, "key": request.key_hash}
        )
        if not rows:
            return None
        [(version, content, before)] = rows
        outcome = "repeated" if content == request.content_hash else "key reused"
        count = len(request.events)
        total = before + sum(event.change for event in request.events)
        return _appended(read_outcome(request, (1, outcome, version + count - 1, total)))

    async def list_prepared(self, *, seconds: float | None = None) -> list[Prepared]:
        """List all prepared transactions of the shard, also those of others."""
        rows = await self._database.rows(query("transfers.read_prepared"), {}, seconds=seconds)
        return [Prepared._make(row) for row in rows]

    async def list_decided(self, participant: str, *, seconds: float, limit: int) -> list[uuid.UUID]:
        """List decisions to commit that concern a participant and are older than `seconds`, oldest first."""
        parameters = {"participant": participant, "seconds": seconds, "limit": limit}
        return [row[0] for row in await self._database.rows(query("transfers.read_decided"), parameters)]

    async def forget(self, attempts: Sequence[uuid.UUID]) -> int:
        """Delete decisions to commit, and return how many there were."""
        rows = await self._database.rows(query("transfers.forget"), {"attempts": list(attempts)})
        return int(rows[0][0])

    async def replace_lost(self) -> None:
        """Let both pools replace lost connections; raise DatabaseUnavailable if they cannot connect."""
        await asyncio.gather(*(database.rows("select", {}) for database in (self._waiting, self._database)))

    @asynccontextmanager
    async def _requesting(self, requests: Sequence[Append], database: ShardDatabase) -> AsyncIterator[Connection]:
        async with database.connection() as connection:
            try:
                yield connection
            except psycopg.Error as error:
                raise self._translate(requests, error) from error

    def _translate(self, requests: Sequence[Append], error: psycopg.Error) -> Exception:
        if error.sqlstate == REFUSED:
            row = orjson.loads(error.diag.message_detail or "")
            refusal = read_outcome(requests[row[0] - 1], row)
            return Stored() if isinstance(refusal, Appended) else refusal
        if isinstance(error, errors.NumericValueOutOfRange):
            streams = " or ".join(request.stream for request in requests)
            return TotalOutOfRange(f"the running total of {streams} would leave a bigint's range")
        if isinstance(error, errors.UniqueViolation) and error.diag.table_name == "transfer_decisions":
            return Aborted("the attempt took too long and was aborted")
        if isinstance(error, LOST_RACES):
            return LostRace(str(error).splitlines()[0])
        if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
            return Unanswered(self.name, (str(error).splitlines() or [type(error).__name__])[0])
        return error


@cache
def _with_append(name: str) -> str:
    """Return a query of transfers that contains the event store's own append."""
    return query(f"transfers.{name}").replace("{append}", query("events.append"))


def _stored(request: Append, row: Any) -> Appended:
    outcome = _appended(read_outcome(request, row[:4]))
    if outcome.repeated:
        raise Stored
    return outcome


def _appended(outcome: Appended | EventStoreError) -> Appended:
    if isinstance(outcome, EventStoreError):
        raise outcome
    return outcome
