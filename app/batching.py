"""Requests that wait at the same time share one call, and each gets its own answer or error."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Generic, TypeVar

Request = TypeVar("Request")
Answer = TypeVar("Answer")


Waiter = tuple[Request, asyncio.Future[Answer]]


class Batcher(Generic[Request, Answer]):
    """Collects requests into batches and sends a few batches at a time.

    A batch holds the requests that have waited longest. A request whose caller was cancelled before it was sent is
    skipped. An error of a call goes to every caller of its batch.
    """

    def __init__(
        self,
        send: Callable[[Sequence[Request]], Awaitable[Sequence[Answer | Exception]]],
        *,
        largest: int,
        in_flight: int,
        key: Callable[[Request], Hashable] = lambda _: object(),
        isolate: type[Exception] | tuple[type[Exception], ...] = (),
    ) -> None:
        """Send batches of at most `largest` requests, `in_flight` of them at a time.

        `send` returns an answer for each request, in order; an answer that is an exception is raised to its caller.
        Requests with the same `key` are never under way together, and keep the order in which they were submitted.
        After an error of the class `isolate` each request of the batch is sent alone, so only the culprit fails.
        """
        self._send = send
        self._largest = largest
        self._idle = in_flight
        self._key = key
        self._isolate = isolate
        self._waiting: deque[Waiter[Request, Answer]] = deque()
        self._busy: set[Hashable] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def submit(self, request: Request) -> asyncio.Future[Answer]:
        """Return the future answer to a request."""
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((request, future))
        if self._idle:
            self._idle -= 1
            task = asyncio.create_task(self._work())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return future

    async def _work(self) -> None:
        try:
            while self._waiting:
                # After one turn of the loop all tasks that became runnable together have submitted their requests.
                await asyncio.sleep(0)
                batch = self._next()
                if not batch:
                    return  # the worker that is busy with their keys goes on with the waiting requests
                self._busy.update(batch)
                try:
                    await self._exchange(list(batch.values()))
                finally:
                    self._busy.difference_update(batch)
        finally:
            self._idle += 1

    def _next(self) -> dict[Hashable, Waiter[Request, Answer]]:
        """Take the requests that have waited longest, one of each key, and none of a key that is under way."""
        batch: dict[Hashable, Waiter[Request, Answer]] = {}
        later: list[Waiter[Request, Answer]] = []
        while self._waiting and len(batch) < self._largest:
            waiter = self._waiting.popleft()
            if waiter[1].done():  # its caller was cancelled
                continue
            key = self._key(waiter[0])
            if key in self._busy or batch.setdefault(key, waiter) is not waiter:
                later.append(waiter)
        self._waiting.extendleft(reversed(later))
        return batch

    async def _exchange(self, batch: Sequence[Waiter[Request, Answer]]) -> None:
        try:
            answers = await self._send([request for request, _ in batch])
            if len(answers) != len(batch):
                raise ValueError(f"{len(batch)} requests got {len(answers)} answers")
        except BaseException as error:
            if isinstance(error, self._isolate) and len(batch) > 1:
                for waiter in batch:
                    if not waiter[1].done():
                        await self._exchange([waiter])
                return
            _deliver(batch, [error] * len(batch))
            if not isinstance(error, Exception):
                raise
            return
        _deliver(batch, answers)


def _deliver(batch: Sequence[Waiter[Request, Answer]], answers: Sequence[Answer | BaseException]) -> None:
    for (_, future), answer in zip(batch, answers, strict=True):
        if future.done():  # its caller was cancelled
            continue
        if isinstance(answer, BaseException):
            future.set_exception(answer)
        else:
            future.set_result(answer)
