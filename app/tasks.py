"""Ending asyncio tasks: a time limit for a block, and cancellation that is certain.

Until Python 3.12, `asyncio.wait_for` swallows a cancellation that arrives together with its result; psycopg's pool uses
it. So a task may survive its cancellation and has to be cancelled again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from types import TracebackType
from typing import Any

CANCEL_AGAIN_SECONDS = 0.5
"""A task that has not ended by then is cancelled again; long enough to clean up after the first cancellation."""


async def cancel_and_wait(
    tasks: Iterable[asyncio.Task[Any]], *, seconds: float | None = None
) -> set[asyncio.Task[Any]]:
    """Cancel tasks until they have ended; return those still running after `seconds` (None: wait for all).

    If the caller is cancelled meanwhile, this goes on and raises CancelledError at the end.
    """
    deadline = None if seconds is None else time.monotonic() + seconds
    pending = {task for task in tasks if not task.done()}
    interruption: asyncio.CancelledError | None = None
    while pending and (deadline is None or time.monotonic() < deadline):
        for task in pending:
            task.cancel()
        try:
            await asyncio.wait(pending, timeout=CANCEL_AGAIN_SECONDS)
        except asyncio.CancelledError as error:
            interruption = error
        pending = {task for task in pending if not task.done()}
    if interruption is not None:
        raise interruption
    return pending


class TimeLimit:
    """A time limit for a block, as `asyncio.timeout` but cheaper: entering it does not await. Can be entered once."""

    __slots__ = ("_cancelling", "_expired", "_seconds", "_task", "_timer")

    def __init__(self, seconds: float) -> None:
        """Raise TimeoutError in the block after `seconds`."""
        self._seconds = seconds

    def __enter__(self) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a time limit needs a task to cancel: use it inside a coroutine")
        self._task = task
        self._cancelling = task.cancelling()
        self._expired = False
        self._timer = asyncio.get_running_loop().call_later(self._seconds, self._expire)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        # If somebody else cancelled the task as well, that cancellation must not be swallowed.
        if self._expired and self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise TimeoutError from error

    def _expire(self) -> None:
        self._expired = True
        self._task.cancel()
