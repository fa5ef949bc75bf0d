"""Whether this process should get requests."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import structlog
from psycopg.errors import InsufficientPrivilege, UndefinedTable

from app.database import DatabaseUnavailable
from app.events import EventStore

PROBE_SECONDS = 1.5
READY = "ready"
NOT_MIGRATED = "not migrated"
NOT_AVAILABLE = "not available"
SILENT = f"no answer within {PROBE_SECONDS} s"

log = structlog.get_logger(__name__)


class Readiness:
    """Ready while the home shards answer and the process is not stopping."""

    def __init__(self, home_stores: Mapping[str, EventStore]) -> None:
        self._home_stores = home_stores
        self._given_up: set[asyncio.Task[str]] = set()
        self.draining = False

    async def by_shard(self) -> dict[str, str]:
        """What each home shard says: `ready`, or why not; in little more than PROBE_SECONDS whatever happens."""
        probes = {name: asyncio.create_task(_probe(name, store)) for name, store in self._home_stores.items()}
        if probes:
            await asyncio.wait(probes.values(), timeout=PROBE_SECONDS)
        return {name: self._outcome(task) for name, task in probes.items()}

    def _outcome(self, task: asyncio.Task[str]) -> str:
        if task.done():
            return task.result()
        # A server that is frozen delays even the end of a cancelled request: nobody waits for that here.
        task.cancel()
        self._given_up.add(task)
        task.add_done_callback(self._given_up.discard)
        return SILENT


async def _probe(shard: str, store: EventStore) -> str:
    try:
        await store.probe()
    except (UndefinedTable, InsufficientPrivilege):
        return NOT_MIGRATED
    except DatabaseUnavailable as error:
        # Host names and the server's own words are for the log: the answer may leave the cluster.
        log.warning("shard is not available", shard=shard, reason=str(error))
        return NOT_AVAILABLE
    return READY
