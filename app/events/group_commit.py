"""Group commit: appends that wait at the same time share a transaction, and each gets its own result or error."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import psycopg
from psycopg.errors import NumericValueOutOfRange

from app.events.append import AppendRequest, parameters_of, parameters_of_one, result
from app.events.errors import TotalOutOfRange
from app.events.model import Appended
from app.queries import Runs, query

LARGEST_BATCH = 64
"""Appends in one transaction: enough to share its commit, few enough to keep its locks short."""
IN_FLIGHT = 2
"""Transactions of one process and shard at a time: one is prepared and sent while the other is being committed."""

Waiting = tuple[AppendRequest, datetime | None, "asyncio.Future[Appended]"]


class GroupCommit:
    """The appends of one process to one shard."""

    def __init__(self, database: Runs, *, stored: Callable[[], None] = lambda: None) -> None:
        self._database = database
        self._stored = stored
        self._waiting: deque[Waiting] = deque()
        self._idle = IN_FLIGHT
        self._busy: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def submit(self, request: AppendRequest, now: datetime | None) -> asyncio.Future[Appended]:
        """The append's outcome, once it is durable or refused."""
        future: asyncio.Future[Appended] = asyncio.get_running_loop().create_future()
        self._waiting.append((request, now, future))
        if self._idle:
            self._idle -= 1
            task = asyncio.create_task(self._work())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return future

    async def _work(self) -> None:
        try:
            while self._waiting:
                # All that became runnable with the first append has asked for its own after one turn of the loop.
                await asyncio.sleep(0)
                batch = self._next()
                if not batch:
                    return  # whoever is busy with these streams goes on with them
                streams = [request.stream for request, _, _ in batch]
                self._busy.update(streams)
                try:
                    await self._commit(batch)
                finally:
                    self._busy.difference_update(streams)
        finally:
            self._idle += 1

    def _next(self) -> list[Waiting]:
        """The longest-waiting appends, one of each stream, in the order that streams are locked in."""
        batch: dict[str, Waiting] = {}
        later: list[Waiting] = []
        while self._waiting and len(batch) < LARGEST_BATCH:
            each = self._waiting.popleft()
            if each[2].done():  # its caller went away
                continue
            stream = each[0].stream
            if stream in self._busy or batch.setdefault(stream, each) is not each:
                later.append(each)  # behind the one that came before it
        self._waiting.extendleft(reversed(later))
        return sorted(batch.values(), key=lambda each: each[0].order)

    async def _commit(self, batch: Sequence[Waiting]) -> None:
        try:
            rows = await self._send(batch)
        except psycopg.Error as error:
            await self._separately(batch, error)
        except BaseException as error:
            for _, _, future in batch:
                _fail(future, error)
            if not isinstance(error, Exception):
                raise
        else:
            self._settle(batch, rows)

    async def _send(self, batch: Sequence[Waiting]) -> list[Any]:
        requests = [request for request, _, _ in batch]
        now = max((now for _, now, _ in batch if now), default=None)
        if len(batch) == 1 and (one := parameters_of_one(requests[0], now)):
            text, parameters = query("events.append_one"), one
        else:
            text, parameters = query("events.append"), parameters_of(requests, now)
        if all(request.key for request in requests):
            return await self._database.rows(text, parameters)
        # Without a key nobody could tell whether the first attempt was stored.
        return await self._database.rows_once(text, parameters)

    async def _separately(self, batch: Sequence[Waiting], error: psycopg.Error) -> None:
        """One of them is to blame for the error of all: each for itself tells which."""
        if len(batch) == 1:
            request, _, future = batch[0]
            if isinstance(error, NumericValueOutOfRange):
                _fail(future, TotalOutOfRange(f"the running total of {request.stream} would leave a bigint's range"))
            else:
                _fail(future, error)
            return
        for each in batch:
            await self._commit([each])

    def _settle(self, batch: Sequence[Waiting], rows: Sequence[Any]) -> None:
        stored = False
        for row in rows:
            request, _, future = batch[row[0] - 1]
            if future.done():
                continue
            outcome = result(request, row)
            if isinstance(outcome, Appended):
                stored = True
                future.set_result(outcome)
            else:
                future.set_exception(outcome)
        if stored:
            self._stored()


def _fail(future: asyncio.Future[Appended], error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)
