"""Records expired grants and reservations on time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import structlog

from app.background import Worker
from app.credits.errors import CreditsError
from app.credits.ledger import Ledger
from app.credits.model import Origin
from app.credits.streams import EXPIRY, Clock
from app.credits.values import AccountId
from app.database import DatabaseUnavailable
from app.events import EventStoreError
from app.queries import Reads, query

LOOK_SECONDS = 1.0
PAGE = 200
AT_ONCE = 8

log = structlog.get_logger(__name__)


class ExpiryWorker:
    """Records what expired on one shard. Any number of processes may run it: the second one finds nothing due."""

    def __init__(
        self,
        shard: str,
        database: Reads,
        ledger: Ledger,
        clock: Clock,
        *,
        look_seconds: float = LOOK_SECONDS,
        page: int = PAGE,
    ) -> None:
        self._shard = shard
        self._database = database
        self._ledger = ledger
        self._clock = clock
        self._look_seconds = look_seconds
        self._page = page
        self._room = asyncio.Semaphore(AT_ONCE)

    @property
    def worker(self) -> Worker:
        """Return the background worker that runs this."""
        return Worker(f"expiry on {self._shard}", self.run)

    async def run(self) -> None:
        """Look again and again; raises DatabaseUnavailable."""
        while True:
            await self.look()
            await asyncio.sleep(self._look_seconds)

    async def look(self) -> int:
        """Record what ran out by now; how many events that were. Raises DatabaseUnavailable."""
        now = self._clock()
        events = 0
        after: Sequence[Any] = (None, "")
        while True:
            # Page by page: an account that cannot be settled is passed over, and holds up nobody behind it.
            parameters = {"now": now, "after_due": after[0], "after": after[1], "limit": self._page}
            due = await self._database.rows(query("credits.read_due"), parameters)
            events += sum(await asyncio.gather(*(self._expire(account, since) for since, account in due)))
            if len(due) < self._page:
                return events
            after = due[-1]

    async def _expire(self, account: str, since: datetime) -> int:
        async with self._room:
            try:
                return await self._ledger.expire(AccountId(account), origin=Origin.of(EXPIRY))
            except DatabaseUnavailable:
                raise
            except (CreditsError, EventStoreError) as error:
                # No names in logs: the moment is enough to find it in `streams`.
                log.warning("not expired", shard=self._shard, due=since.isoformat(), error=type(error).__name__)
                return 0
