"""Whether this process should get requests."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import structlog
from psycopg.errors import InsufficientPrivilege, UndefinedTable

from app.database import DatabaseUnavailable
from app.events import EventStore

PROBE_SECONDS = 1.5
"""How long a shard may take to answer."""
READY = "ready"
NOT_MIGRATED = "not migrated"
NOT_AVAILABLE = "not available"
SILENT = f"no answer within {PROBE_SECONDS} s"

log = structlog.get_logger(__name__)


class Readiness:
    """Checks the home shards, and knows whether the process is stopping."""

    def __init__(self, home_stores: Mapping[str, EventStore]) -> None:
        self._home_stores = home_stores
        self._given_up: set[asyncio.Task[str]] = set()
        self.draining = False

    async def by_shard(self) -> dict[str, str]:
        """Return `ready`, or why not, for each home shard; takes little more than PROBE_SECONDS in any case."""
        probes = {name: asyncio.create_task(_probe(name, store)) for name, store in self._home_stores.items()}
        if probes:
            await asyncio.wait(probes.values(), timeout=PROBE_SECONDS)
        return {name: self._outcome(task) for name, task in probes.items()}

    def _outcome(self, task: asyncio.Task[str]) -> str:
        if task.done():
            return task.result()
        # A frozen server delays even a cancelled request: do not wait for it.
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
        # Host names and the server's own message go to the log only: the answer may leave the cluster.
        log.warning("shard is not available", shard=shard, reason=str(error))
        return NOT_AVAILABLE
    return READY
