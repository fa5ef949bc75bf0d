"""Building the read router of a process from the directory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.database import ShardDatabase
from app.sharding.reads.read_router import ReadLimits, ReadRouter
from app.sharding.reads.servers import ReplicaDatabase, Server, as_shard
from app.sharding.router import Router
from app.topology import Directory


class ReplicaDatabases:
    """The databases of all standbys. Each connects on first use."""

    def __init__(self, directory: Directory, *, size: int, seconds: float) -> None:
        self.by_shard = {
            shard.name: [
                ReplicaDatabase(as_shard(shard, replica), size=size, kept=0, seconds=seconds)
                for replica in shard.replicas
            ]
            for shard in directory.shards
        }

    async def open(self) -> None:
        """Allow connections; make none yet."""
        for database in self._all():
            await database.open()

    async def close(self) -> None:
        """Close every connection."""
        for database in self._all():
            await database.close()

    def _all(self) -> list[ReplicaDatabase]:
        return [database for databases in self.by_shard.values() for database in databases]


def build_read_router(
    router: Router[Any],
    directory: Directory,
    primaries: Mapping[str, ShardDatabase],
    replicas: ReplicaDatabases,
    *,
    home: str,
    limits: ReadLimits | None = None,
) -> ReadRouter:
    """Build the read router over the shards of the directory; `home` is the cloud of this process."""
    servers = {
        shard.name: servers_of(primaries[shard.name], replicas.by_shard[shard.name]) for shard in directory.shards
    }
    return ReadRouter(router, servers, home=home, limits=limits)


def servers_of(primary: ShardDatabase, replicas: Sequence[ShardDatabase]) -> list[Server]:
    """Return the servers of one shard, named `aws-0`, `aws-0-replica-1`, …"""
    name = primary.shard.name
    standbys = [
        Server(f"{name}-replica-{number}", replica.shard, replica, is_primary=False)
        for number, replica in enumerate(replicas, start=1)
    ]
    return [Server(name, primary.shard, primary, is_primary=True), *standbys]
