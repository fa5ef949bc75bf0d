"""Whether the servers of the shards have room for what the processes may hold of them: asked once, at the start."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

import structlog

from app.database import DatabaseUnavailable, ShardDatabase
from app.settings import ServeSettings
from app.statements import statements_of
from app.topology import Directory, Shard
from app.transfers import IN_FLIGHT

BESIDE = 2
"""Connections of their own that a process holds to a home shard: one to be told of events, one whose locks say what the
process leads, or asks to."""
SECONDS = 3.0
"""How long a start waits for a server's answer; one that is down cannot keep a process from starting."""

statement = statements_of("app")
log = structlog.get_logger(__name__)


class Room(NamedTuple):
    """What a server takes from all its clients together."""

    connections: int
    """Less those that it keeps for administrators."""
    prepared: int
    """Prepared transactions."""


class NoRoom(Exception):
    """The processes may hold more of a server than it takes: requests would fail just when there are many."""


class PoolSizes(NamedTuple):
    """Most connections of each of the three pools that a process has for a primary."""

    requests: int
    waiting: int
    """For transfers that wait for streams."""
    settling: int
    """For transfers that let go of streams: of two shards, of which each was asked to wait, only one is asked that."""


def pool_sizes(pool_size: int) -> PoolSizes:
    """Of FORTRESS_POOL_SIZE."""
    return PoolSizes(pool_size, pool_size, (pool_size + 1) // 2)


def connections_of(pool_size: int, *, home: bool) -> int:
    """Most connections that one process holds to one primary."""
    return sum(pool_sizes(pool_size)) + (BESIDE if home else 0)


def halves_of(shard: str, room: Room, settings: ServeSettings, *, home: bool) -> int:
    """How many transfers one process may have prepared on a shard; raises NoRoom."""
    each = connections_of(settings.pool_size, home=home)
    needed = each * settings.processes
    if needed > room.connections:
        raise NoRoom(
            f"shard {shard} takes {room.connections} connections, and {settings.processes} processes of {each} "
            f"may hold {needed}: lower FORTRESS_POOL_SIZE ({settings.pool_size}) or FORTRESS_PROCESSES, "
            "or raise max_connections"
        )
    if settings.processes > room.prepared:
        raise NoRoom(
            f"shard {shard} takes {room.prepared} prepared transactions, fewer than FORTRESS_PROCESSES "
            f"({settings.processes}): transfers need one for each process, raise max_prepared_transactions"
        )
    return min(IN_FLIGHT, room.prepared // settings.processes)


async def halves_by_shard(settings: ServeSettings, directory: Directory) -> dict[str, int]:
    """How many transfers this process may have prepared on each shard that answers.

    Raises NoRoom for the first server without room for all processes.
    """
    rooms = await asyncio.gather(*(_room(shard) for shard in directory.shards))
    return {
        shard.name: halves_of(shard.name, room, settings, home=shard.home == settings.cloud)
        for shard, room in zip(directory.shards, rooms, strict=True)
        if room is not None
    }


async def _room(shard: Shard) -> Room | None:
    database = ShardDatabase(shard, size=1, kept=0, seconds=SECONDS)
    await database.open()
    try:
        [row] = await database.rows(statement("room"), {})
    except DatabaseUnavailable as error:
        log.warning("room not known", shard=shard.name, error=str(error))
        return None
    finally:
        await database.close()
    return Room._make(row)
