"""How many connections and prepared transactions a process may hold on each server; checked once, at the start."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

import structlog

from app.database import DatabaseUnavailable, ShardDatabase
from app.queries import query
from app.settings import ServeSettings
from app.topology import Directory, Shard
from app.transfers import IN_FLIGHT

DEDICATED_CONNECTIONS = 2
"""Connections outside the pools that a process holds to a home shard: one listens for events, one holds the locks of
leadership."""
ANSWER_SECONDS = 3.0
"""How long a start waits for a server's answer. A server that is down does not keep a process from starting."""

log = structlog.get_logger(__name__)


class ServerCapacity(NamedTuple):
    """What a server offers to all its clients together."""

    connections: int
    """Without those reserved for administrators."""
    prepared: int
    """Prepared transactions: `max_prepared_transactions`."""


class ServerTooSmall(Exception):
    """All processes together may need more of a server than it offers: requests would fail under load."""


class PoolSizes(NamedTuple):
    """Largest sizes of the three pools that a process has for one primary."""

    requests: int
    waiting: int
    """For transfers that wait for locks of streams."""
    settling: int
    """For transfers that release streams. Only one of a transfer's two shards needs one, so half the size suffices."""


def pool_sizes(pool_size: int) -> PoolSizes:
    """Return the pool sizes that follow from FORTRESS_POOL_SIZE."""
    return PoolSizes(pool_size, pool_size, (pool_size + 1) // 2)


def count_connections(pool_size: int, *, home: bool) -> int:
    """Return the most connections that one process holds to one primary; `home` for a shard of its own cloud."""
    return sum(pool_sizes(pool_size)) + (DEDICATED_CONNECTIONS if home else 0)


def branch_limit(shard: str, capacity: ServerCapacity, settings: ServeSettings, *, home: bool) -> int:
    """Return how many prepared branches of transfers one process may hold on a shard; raise ServerTooSmall."""
    per_process = count_connections(settings.pool_size, home=home)
    needed = per_process * settings.processes
    if needed > capacity.connections:
        raise ServerTooSmall(
            f"shard {shard} takes {capacity.connections} connections, and {settings.processes} processes of "
            f"{per_process} may hold {needed}: lower FORTRESS_POOL_SIZE ({settings.pool_size}) or FORTRESS_PROCESSES, "
            "or raise max_connections"
        )
    if settings.processes > capacity.prepared:
        raise ServerTooSmall(
            f"shard {shard} takes {capacity.prepared} prepared transactions, fewer than FORTRESS_PROCESSES "
            f"({settings.processes}): transfers need one for each process, raise max_prepared_transactions"
        )
    return min(IN_FLIGHT, capacity.prepared // settings.processes)


async def branch_limits(settings: ServeSettings, directory: Directory) -> dict[str, int]:
    """Return, for each shard that answers, how many prepared branches this process may hold there.

    Raises ServerTooSmall for the first server that is too small for all processes.
    """
    capacities = await asyncio.gather(*(_read_capacity(shard) for shard in directory.shards))
    return {
        shard.name: branch_limit(shard.name, capacity, settings, home=shard.home == settings.cloud)
        for shard, capacity in zip(directory.shards, capacities, strict=True)
        if capacity is not None
    }


async def _read_capacity(shard: Shard) -> ServerCapacity | None:
    database = ShardDatabase(shard, size=1, kept=0, seconds=ANSWER_SECONDS)
    await database.open()
    try:
        [row] = await database.rows(query("database.server_capacity"), {})
    except DatabaseUnavailable as error:
        log.warning("capacity of server unknown", shard=shard.name, error=str(error))
        return None
    finally:
        await database.close()
    return ServerCapacity._make(row)
