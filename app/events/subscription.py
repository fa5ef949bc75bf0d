"""A subscription: all events of a shard behind a place, then each new one soon after it is stored."""

from __future__ import annotations

from typing import Self

from app.events.model import START, Cursor, StoredEvent
from app.events.tailing import PAGE, Tail
from app.events.wakeup import POLL_SECONDS, Pace, Wakeup


class Subscription:
    """An endless iterator of batches, in the order of the shard.

    A batch comes at least once: whoever keeps `cursor` with what was made of the batch, in one transaction, has made it
    exactly once. An error of the database ends an iteration and leaves the cursor where it was: iterate again to go on.

        async with Subscription(Tail(database), after=kept, wakeup=wakeup) as batches:
            async for batch in batches:
                ...
    """

    def __init__(
        self,
        tail: Tail,
        *,
        after: Cursor = START,
        wakeup: Wakeup | None = None,
        limit: int = PAGE,
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        """Without `wakeup` new events are found by polling alone."""
        self._tail = tail
        self._limit = limit
        self._pace = Pace(wakeup, poll_seconds=poll_seconds)
        self._closed = False
        self.cursor = after
        """Where the last batch that was handed out ends."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> list[StoredEvent]:
        """Return the next batch, once there is one; raise RebaseNeeded and DatabaseUnavailable."""
        while not self._closed:
            batch = await self._tail.page(self.cursor, limit=self._limit)
            if batch and not self._closed:
                self.cursor = batch[-1].cursor
                self._pace.quicken()
                return batch
            await self._pace.pause()
        raise StopAsyncIteration

    def close(self) -> None:
        """End the iteration, even while it waits."""
        self._closed = True
        self._pace.wake()
