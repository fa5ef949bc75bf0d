"""Wait for a condition that another process, task or thread brings about."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")
Errors = tuple[type[Exception], ...]

PATIENCE_SECONDS = 60.0
"""Long enough for a busy machine; a test that passes waits only as long as the condition takes."""
POLL_SECONDS = 0.01


def wait_until(
    condition: Callable[[], T],
    what: str,
    *,
    seconds: float = PATIENCE_SECONDS,
    poll_seconds: float = POLL_SECONDS,
    ignore: Errors = (),
) -> T:
    """Call `condition` until its value is true, and return that value.

    After `seconds`, raise AssertionError with `what` and the last state: the last value, or the last error of `ignore`.
    """
    deadline = time.monotonic() + seconds
    while True:
        state: object
        try:
            if value := condition():
                return value
            state = value
        except ignore as error:
            state = error
        if time.monotonic() > deadline:
            raise AssertionError(_complaint(what, seconds, state))
        time.sleep(poll_seconds)


async def until(
    condition: Callable[[], T | Awaitable[T]],
    what: str,
    *,
    seconds: float = PATIENCE_SECONDS,
    poll_seconds: float = POLL_SECONDS,
    ignore: Errors = (),
) -> T:
    """Do what `wait_until` does while other tasks run; `condition` may be a coroutine function."""
    state: object = "the first call of the condition has not returned"
    try:
        async with asyncio.timeout(seconds) as limit:
            while True:
                try:
                    answer = condition()
                    value: T = await answer if inspect.isawaitable(answer) else answer
                    if value:
                        return value
                    state = value
                except ignore as error:
                    state = error
                await asyncio.sleep(poll_seconds)
    except TimeoutError:
        if not limit.expired():
            raise
        raise AssertionError(_complaint(what, seconds, state)) from None


def _complaint(what: str, seconds: float, state: object) -> str:
    return f"waited {seconds:g} s for {what}; the last state was {state!r}"
