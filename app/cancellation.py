"""Ending tasks for certain.

Until Python 3.12, `asyncio.wait_for` swallows a cancellation that comes together with what it waits for; the pool of
connections uses it. So a task may go on after it was cancelled, and has to be cancelled again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from typing import Any

AGAIN_SECONDS = 0.5
"""After this a task that has not ended is cancelled again: time enough to clean up for those that have heard it."""


async def end(tasks: Iterable[asyncio.Task[Any]], *, seconds: float | None = None) -> set[asyncio.Task[Any]]:
    """Cancel tasks until they have ended; those that have not after `seconds` (None: there are none then).

    Goes on where it is cancelled itself, and tells it at the end.
    """
    deadline = None if seconds is None else time.monotonic() + seconds
    pending = {task for task in tasks if not task.done()}
    interruption: asyncio.CancelledError | None = None
    while pending and (deadline is None or time.monotonic() < deadline):
        for task in pending:
            task.cancel()
        try:
            await asyncio.wait(pending, timeout=AGAIN_SECONDS)
        except asyncio.CancelledError as error:
            interruption = error
        pending = {task for task in pending if not task.done()}
    if interruption is not None:
        raise interruption
    return pending
