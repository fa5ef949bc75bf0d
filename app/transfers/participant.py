"""What a shard does in transfers: each method is one round trip to its database."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import orjson
import psycopg
from psycopg import errors
from psycopg.sql import SQL, Literal

from app.database import DatabaseUnavailable, ShardDatabase
from app.database.pools import Connection
from app.events import Appended, EventStoreError, TotalOutOfRange
from app.events.append import AppendRequest, parameters_of, result
from app.transfers.model import Decision, Gid, Prepared
from app.transfers.statements import statement

REFUSED = "LF001"
"""SQLSTATE of `require_stored`."""

SETTLE: Mapping[Decision, SQL] = {
    Decision.COMMIT: SQL("commit prepared {}"),
    Decision.ABORT: SQL("rollback prepared {}"),
}
LOST_RACES = (
    errors.LockNotAvailable,
    errors.DeadlockDetected,
    errors.QueryCanceled,
    errors.OutOfMemory,  # what PostgreSQL says where max_prepared_transactions are prepared
)


class Stored(Exception):
    """An earlier call with the same key stored the append."""


class LostRace(Exception):
    """Rolled back for the sake of others; it may be tried again."""


class Aborted(LostRace):
    """The attempt was aborted before it could decide."""


class Unanswered(DatabaseUnavailable):
    """The connection was lost with the question on its way: what it did is not known."""


class Participant:
    """One shard, as transfers use it. Raises DatabaseUnavailable; Unanswered where the question may have arrived."""

    def __init__(self, waiting: ShardDatabase, settling: ShardDatabase) -> None:
        """`waiting` is for what may wait for locks, `settling` for all else."""
        self._waiting = waiting
        self._database = settling

    @property
    def name(self) -> str:
        """Name of the shard."""
        return self._database.shard.name

    async def append_all(self, requests: Sequence[AppendRequest], now: datetime | None) -> list[Appended]:
        """Store all or nothing; raises the errors of the event store, Stored and LostRace."""
        parameters = parameters_of(requests, now)
        async with self._answers(requests, self._waiting) as connection:
            cursor = await connection.execute(statement("append_all"), parameters, binary=True)
            rows = await cursor.fetchall()
        return [_stored(requests[row[0] - 1], row) for row in rows]

    async def prepare(self, request: AppendRequest, now: datetime | None, gid: Gid) -> Appended:
        """Store an append as soon as its transaction is committed; raises what `append_all` does."""
        async with self._answers([request], self._waiting) as connection:
            async with connection.pipeline():
                parameters = parameters_of([request], now)
                await connection.execute("begin")
                cursor = await connection.execute(statement("append_all"), parameters, binary=True)
                await connection.execute(SQL("prepare transaction {}").format(Literal(str(gid))), prepare=False)
            return _stored(request, await cursor.fetchone())

    async def decide(
        self, request: AppendRequest, now: datetime | None, attempt: uuid.UUID, participant: str
    ) -> Appended:
        """Store an append and, with it, the decision to commit; raises what `append_all` does, and Aborted."""
        parameters = {**parameters_of([request], now), "attempt": attempt, "participant": participant}
        async with self._answers([request], self._waiting) as connection:
            cursor = await connection.execute(statement("decide"), parameters, binary=True)
            return _stored(request, await cursor.fetchone())

    async def settle(self, gid: Gid | str, decision: Decision) -> None:
        """Commit or roll back what is prepared; does nothing where that was done."""
        async with self._answers([], self._database) as connection:
            try:
                await connection.execute(SETTLE[decision].format(Literal(str(gid))), prepare=False)
            except errors.UndefinedObject:
                return
            except errors.ObjectNotInPrerequisiteState as busy:
                raise LostRace("another process settles it") from busy

    async def abort(self, attempt: uuid.UUID, participant: str, *, seconds: float | None = None) -> Decision:
        """Decide against an attempt where nothing is decided yet; what the decision is."""
        parameters = {"attempt": attempt, "participant": participant}
        return Decision((await self._database.rows(statement("abort"), parameters, seconds=seconds))[0][0])

    async def find(self, request: AppendRequest) -> Appended | None:
        """What an earlier call with the same key stored."""
        rows = await self._database.rows(statement("find"), {"stream": request.stream, "key": request.key})
        if not rows:
            return None
        [(version, content, before)] = rows
        outcome = "repeated" if content == request.content else "key reused"
        count = len(request.events)
        total = before + sum(event.change for event in request.events)
        return _appended(result(request, (1, outcome, version + count - 1, total)))

    async def prepared(self, *, seconds: float | None = None) -> list[Prepared]:
        """All prepared transactions of the shard, whoever's they are."""
        rows = await self._database.rows(statement("prepared"), {}, seconds=seconds)
        return [Prepared._make(row) for row in rows]

    async def decided(self, participant: str, *, seconds: float, limit: int) -> list[uuid.UUID]:
        """Commits older than `seconds` that concern a participant, the oldest first."""
        parameters = {"participant": participant, "seconds": seconds, "limit": limit}
        return [row[0] for row in await self._database.rows(statement("decided"), parameters)]

    async def forget(self, attempts: Sequence[uuid.UUID]) -> int:
        """Remove commits that nobody will ask for; how many there were."""
        rows = await self._database.rows(statement("forget"), {"attempts": list(attempts)})
        return int(rows[0][0])

    async def replace_lost(self) -> None:
        """Let the pools replace what they lost; raises DatabaseUnavailable where no connection can be had."""
        await asyncio.gather(*(database.rows("select", {}) for database in (self._waiting, self._database)))

    @asynccontextmanager
    async def _answers(self, requests: Sequence[AppendRequest], database: ShardDatabase) -> AsyncIterator[Connection]:
        async with database.connection() as connection:
            try:
                yield connection
            except psycopg.Error as error:
                raise self._meaning(requests, error) from error

    def _meaning(self, requests: Sequence[AppendRequest], error: psycopg.Error) -> Exception:
        if error.sqlstate == REFUSED:
            row = orjson.loads(error.diag.message_detail or "")
            refusal = result(requests[row[0] - 1], row)
            return Stored() if isinstance(refusal, Appended) else refusal
        if isinstance(error, errors.NumericValueOutOfRange):
            streams = " or ".join(request.stream for request in requests)
            return TotalOutOfRange(f"the running total of {streams} would leave a bigint's range")
        if isinstance(error, errors.UniqueViolation) and error.diag.table_name == "transfer_decisions":
            return Aborted("the attempt took too long, and was aborted")
        if isinstance(error, LOST_RACES):
            return LostRace(str(error).splitlines()[0])
        if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
            return Unanswered(self.name, (str(error).splitlines() or [type(error).__name__])[0])
        return error


def _stored(request: AppendRequest, row: Any) -> Appended:
    outcome = _appended(result(request, row[:4]))
    if outcome.repeated:
        raise Stored
    return outcome


def _appended(outcome: Appended | EventStoreError) -> Appended:
    if isinstance(outcome, EventStoreError):
        raise outcome
    return outcome
