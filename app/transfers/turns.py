"""Turns at streams within one process: who waits for a transfer of its own process does so without a connection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from weakref import WeakValueDictionary


class Turns:
    """One transfer of a stream at a time, first come first served."""

    def __init__(self) -> None:
        # A lock is there for as long as somebody holds it or waits for it.
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def of(self, streams: Sequence[str]) -> AsyncIterator[None]:
        """Have the turn of all these streams; everybody names them in the order of the database's locks."""
        async with AsyncExitStack() as held:
            for stream in streams:
                await held.enter_async_context(self._lock(stream))
            yield

    def _lock(self, stream: str) -> asyncio.Lock:
        return self._locks.setdefault(stream, asyncio.Lock())
