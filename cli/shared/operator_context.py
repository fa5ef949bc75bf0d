"""The shards that a command works on: those of a directory file, else those of the local environment."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.database import CertificateLogin, DatabaseUnavailable, Role, ShardDatabase
from app.settings import PREFIX, CommonSettings, load
from app.sharding import NoMap, PostgresMapStore, Router
from app.sharding.reads import ReadRouter, ReplicaDatabase, servers_of
from app.sharding.reads.servers import as_shard
from app.topology import Directory, NoLogin, Shard, parse_directory, read_directory, slot_of
from localcloud.identity import Authority
from localcloud.sandbox import Sandbox, default_root

CONNECTIONS = 2
SECONDS = 60.0
MAP_SECONDS = 3.0
"""How long somebody who only asks for an account waits for the map."""


class NoShards(Exception):
    """No directory file is named, and no local environment runs."""


@dataclass(frozen=True)
class ShardWorld:
    """All shards as their administrators see them."""

    directory: Directory
    databases: dict[str, ShardDatabase]
    maps: PostgresMapStore
    reads: ReadRouter

    def database(self, name: str) -> ShardDatabase:
        """The database of a shard; raises NoLogin."""
        if name not in self.databases:
            raise NoLogin(name)
        return self.databases[name]


@asynccontextmanager
async def shard_world(file: Path | None) -> AsyncIterator[ShardWorld]:
    """The shards that `file`, or FORTRESS_DIRECTORY, lists; without either those of the local environment.

    Raises WrongDirectory, and NoShards.
    """
    logins = _of_file(file) or _local()
    directory = logins.directory
    async with AsyncExitStack() as stack:
        databases = {shard.name: logins.database(shard) for shard in directory.shards}
        replicas = {
            shard.name: [logins.replica(as_shard(shard, each)) for each in shard.replicas] for shard in directory.shards
        }
        for database in (*databases.values(), *(each for group in replicas.values() for each in group)):
            await database.open()
            stack.push_async_callback(database.close)
        holder = directory.map_shard.name
        maps = PostgresMapStore(databases[holder], shard=holder)
        servers = {name: servers_of(database, replicas[name]) for name, database in databases.items()}
        reads = ReadRouter(Router(directory, databases, maps), servers, home=directory.map_shard.home)
        yield ShardWorld(directory, databases, maps, reads)


@dataclass(frozen=True)
class _Logins:
    """How the shards of a directory are logged in to: as their own administrators, by what the environment holds."""

    directory: Directory

    def database(self, shard: Shard) -> ShardDatabase:
        return ShardDatabase(shard, size=CONNECTIONS, kept=0, seconds=SECONDS, role=Role.ADMIN)

    def replica(self, shard: Shard) -> ReplicaDatabase:
        return ReplicaDatabase(shard, size=CONNECTIONS, kept=0, seconds=SECONDS, role=Role.ADMIN)


@dataclass(frozen=True)
class _LocalLogins(_Logins):
    """By certificates that the local world gives out; each home's administrator has one of its own."""

    sandbox: Sandbox

    def database(self, shard: Shard) -> ShardDatabase:
        return _LocalDatabase(shard, certificates_for(self.sandbox, shard))

    def replica(self, shard: Shard) -> ReplicaDatabase:
        return _LocalReplica(shard, certificates_for(self.sandbox, shard))


class _Certified(ShardDatabase):
    """Logs in by a certificate of its own."""

    def __init__(self, shard: Shard, certificates: dict[str, Any]) -> None:
        super().__init__(shard, size=CONNECTIONS, kept=0, seconds=SECONDS, login=CertificateLogin(), role=Role.ADMIN)
        self._certificates = certificates

    async def _parameters(self) -> dict[str, Any]:
        return await super()._parameters() | self._certificates


class _LocalDatabase(_Certified):
    """A shard of the local environment."""


class _LocalReplica(_Certified, ReplicaDatabase):
    """A standby of the local environment."""


def certificates_for(sandbox: Sandbox, shard: Shard) -> dict[str, Any]:
    """libpq's parameters by which a shard's administrator logs in to the local environment."""
    authority = Authority.of(sandbox)
    own = authority.client_certificate(shard.admin.user.split("@")[0])
    return {
        "sslcert": str(own.certificate),
        "sslkey": str(own.key),
        "sslrootcert": str(authority.ca_certificate),
        "port": shard.port or sandbox.postgres_port,
    }


def local_directory(sandbox: Sandbox) -> Directory | None:
    """The directory that the app of the local environment reads."""
    from localcloud.kubernetes.cluster import Cluster

    for cluster in Cluster.all(sandbox):
        for configuration in cluster.list("ConfigMap"):
            text = configuration.get("data", {}).get("directory.json")
            if text:
                return parse_directory(text)
    return None


def holder_of(sandbox: Sandbox, directory: Directory, key: str) -> str:
    """Name of the shard of the local environment that has a key now; where the map does not answer, at first."""

    async def ask() -> str:
        holder = directory.map_shard
        database = _LocalLogins(directory, sandbox).database(holder)
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
        return directory.place_of(key).shard


def _of_file(file: Path | None) -> _Logins | None:
    if file is None and f"{PREFIX}DIRECTORY" not in os.environ:
        return None
    # The cloud that this process runs in does not matter here.
    return _Logins(read_directory(load(CommonSettings, cloud="aws", directory=file).directory))


def _local() -> _Logins:
    sandbox = Sandbox(default_root())
    directory = local_directory(sandbox) if sandbox.root.is_dir() else None
    if directory is None:
        raise NoShards(f"no shards: name a directory file (--directory, {PREFIX}DIRECTORY), or bring up `make up`")
    return _LocalLogins(directory, sandbox)
