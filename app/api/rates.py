"""The rate limit per caller, counted by each process separately."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from math import ceil

from limits import parse
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import FixedWindowRateLimiter


class TooManyRequests(Exception):
    """The caller has used up the requests of the current time window."""

    def __init__(self, limit: int, seconds: int) -> None:
        super().__init__(f"more than {limit} requests; retry in {seconds} s")
        self.headers: Mapping[str, str] = {
            "Retry-After": str(seconds),
            "RateLimit-Limit": str(limit),
            "RateLimit-Remaining": "0",
            "RateLimit-Reset": str(seconds),
        }


class Rates:
    """Counts the requests of every caller per time window."""

    def __init__(self, limit: str, *, now: Callable[[], float] = time.time) -> None:
        """`limit` looks like `1000/second` or `20 per 10 second`; raise ValueError for others."""
        self._limit = parse(limit)
        self._limiter = FixedWindowRateLimiter(MemoryStorage())
        self._now = now

    async def count(self, caller: str) -> None:
        """Count a request; raise TooManyRequests."""
        if not await self._limiter.hit(self._limit, caller):
            window = await self._limiter.get_window_stats(self._limit, caller)
            raise TooManyRequests(self._limit.amount, max(1, ceil(window.reset_time - self._now())))
