"""The shards of a target as their administrators see them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from app.database import CertificateLogin, DatabaseUnavailable, Role, ShardDatabase
from app.sharding import NoMap, PostgresMapStore, Router
from app.sharding.reads import ReadRouter, ReplicaDatabase, servers_of
from app.sharding.reads.servers import as_shard
from app.topology import Directory, NoLogin, Shard, slot_of
from cli.shared.target import Target

CONNECTIONS = 4
SECONDS = 60.0
MAP_SECONDS = 3.0
"""Longest wait for the map in a command that only looks up an account."""


@dataclass(frozen=True)
class OperatorContext:
    """All shards of a target, connected as their administrators."""

    target: Target
    databases: dict[str, ShardDatabase]
    maps: PostgresMapStore
    reads: ReadRouter

    @property
    def directory(self) -> Directory:
        """Return every shard and its address."""
        return self.target.directory

    def database(self, name: str) -> ShardDatabase:
        """Return the database of a shard; raises NoLogin."""
        if name not in self.databases:
            raise NoLogin(name)
        return self.databases[name]


@asynccontextmanager
async def open_operator_context(target: Target) -> AsyncIterator[OperatorContext]:
    """Open every shard and its replicas, which connect at first use; close them all at the end."""
    directory = target.directory
    async with AsyncExitStack() as stack:
        databases = {shard.name: _database(target, shard) for shard in directory.shards}
        replicas = {
            shard.name: [_replica(target, as_shard(shard, replica)) for replica in shard.replicas]
            for shard in directory.shards
        }
        for database in (*databases.values(), *(replica for group in replicas.values() for replica in group)):
            await database.open()
            stack.push_async_callback(database.close)
        holder = directory.map_shard.name
        maps = PostgresMapStore(databases[holder], shard=holder)
        servers = {name: servers_of(database, replicas[name]) for name, database in databases.items()}
        reads = ReadRouter(Router(directory, databases, maps), servers, home=directory.map_shard.home)
        yield OperatorContext(target, databases, maps, reads)


def find_holder(target: Target, key: str) -> str:
    """Return the name of the shard that holds a key; if the map does not answer, that of its first shard."""

    async def ask() -> str:
        holder = target.directory.map_shard
        database = _database(target, holder)
        await database.open()
        try:
            async with asyncio.timeout(MAP_SECONDS):
                known = await PostgresMapStore(database, shard=holder.name).read()
        finally:
            await database.close()
        return known.entry(slot_of(key)).shard

    try:
        return asyncio.run(ask())
    except (TimeoutError, DatabaseUnavailable, NoMap):
        return target.directory.place_of(key).shard


def _database(target: Target, shard: Shard) -> ShardDatabase:
    if target.sandbox is not None:
        return _CertifiedDatabase(shard, _certificates(target, shard))
    return ShardDatabase(shard, size=CONNECTIONS, kept=0, seconds=SECONDS, role=Role.ADMIN)


def _replica(target: Target, shard: Shard) -> ReplicaDatabase:
    if target.sandbox is not None:
        return _CertifiedReplica(shard, _certificates(target, shard))
    return ReplicaDatabase(shard, size=CONNECTIONS, kept=0, seconds=SECONDS, role=Role.ADMIN)


class _CertifiedDatabase(ShardDatabase):
    """A shard of the local environment; the administrator of each home logs in with its own certificate."""

    def __init__(self, shard: Shard, certificates: dict[str, Any]) -> None:
        super().__init__(shard, size=CONNECTIONS, kept=0, seconds=SECONDS, login=CertificateLogin(), role=Role.ADMIN)
        self._certificates = certificates

    async def _parameters(self) -> dict[str, Any]:
        return await super()._parameters() | self._certificates


class _CertifiedReplica(_CertifiedDatabase, ReplicaDatabase):
    """A standby of the local environment."""


def _certificates(target: Target, shard: Shard) -> dict[str, Any]:
    """Return the parameters of libpq for a shard's administrator in the local environment."""
    from localcloud.identity import Authority

    assert target.sandbox is not None
    authority = Authority.of(target.sandbox)
    pair = authority.client_certificate(shard.admin.user.split("@")[0])
    return {
        "sslcert": str(pair.certificate),
        "sslkey": str(pair.key),
        "sslrootcert": str(authority.ca_certificate),
        "port": shard.port or target.sandbox.postgres_port,
    }
