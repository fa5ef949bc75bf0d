"""Waking readers when events were stored: a notice of the database, and polling for when none comes.

Writers notify outside of their transactions, since a transaction that notifies commits under a lock of the whole
cluster, and cannot be prepared.
"""

from __future__ import annotations

import asyncio
import weakref

import structlog

from app.database.pools import DatabaseUnavailable
from app.queries import Connects, Reads, query
from app.tasks import cancel_and_wait

CHANNEL = "events"
APART_SECONDS = 0.005
"""Between two notices of one process: those who store many events cause few of them."""
FIRST_PAUSE_SECONDS = 0.005
POLL_SECONDS = 1.0
"""How often a reader that hears nothing looks by itself."""

log = structlog.get_logger(__name__)


class Notifier:
    """Tells the readers of a shard, wherever they run, that events were stored: call it after each commit."""

    def __init__(self, database: Reads, *, apart_seconds: float = APART_SECONDS) -> None:
        self._database = database
        self._apart_seconds = apart_seconds
        self._wanted = False
        self._task: asyncio.Task[None] | None = None

    def __call__(self) -> None:
        """Notify soon; calls that come while a notice is under way share the next one."""
        self._wanted = True
        if self._task is None:
            self._task = asyncio.create_task(self._send(), name="notify")

    async def close(self) -> None:
        """Send no more notices."""
        if self._task is not None:
            await cancel_and_wait([self._task])

    async def _send(self) -> None:
        try:
            while self._wanted:
                self._wanted = False
                await self._database.rows(query("events.notify"), {})
                await asyncio.sleep(self._apart_seconds)
        except DatabaseUnavailable as error:
            log.debug("readers are not notified and will poll", error=str(error))
        finally:
            self._task = None


class Wakeup:
    """Listens for notices of one shard, for all its readers in this process."""

    def __init__(self, database: Connects) -> None:
        self._database = database
        self._readers: weakref.WeakSet[asyncio.Event] = weakref.WeakSet()

    def reader(self) -> asyncio.Event:
        """Return an asyncio event that every notice sets."""
        event = asyncio.Event()
        self._readers.add(event)
        return event

    def wake(self) -> None:
        """Wake all readers."""
        for event in self._readers:
            event.set()

    async def run(self) -> None:
        """Listen until the connection is lost: then raises DatabaseUnavailable, and is to be run again."""
        async with self._database.dedicated() as connection:
            await connection.execute(f"listen {CHANNEL}")
            self.wake()  # for what was missed before
            async for _ in connection.notifies():
                self.wake()


class Pace:
    """How long one reader waits for more.

    After a sign of life it looks again soon: what it was woken for may still lie behind a transaction that is under
    way, whose end nobody tells.
    """

    def __init__(self, wakeup: Wakeup | None = None, *, poll_seconds: float = POLL_SECONDS) -> None:
        self._event = wakeup.reader() if wakeup else asyncio.Event()
        self._poll_seconds = poll_seconds
        self._pause = FIRST_PAUSE_SECONDS

    def quicken(self) -> None:
        """Make the next pause short again, since there was something to read."""
        self._pause = min(FIRST_PAUSE_SECONDS, self._poll_seconds)

    def wake(self) -> None:
        """End the pause."""
        self._event.set()

    async def pause(self) -> None:
        """Return when events were stored since the last pause, or when it is time to look anyway."""
        seconds = self._pause
        self._pause = min(2 * self._pause, self._poll_seconds)
        try:
            async with asyncio.timeout(seconds):
                await self._event.wait()
            self.quicken()
        except TimeoutError:
            pass
        self._event.clear()
