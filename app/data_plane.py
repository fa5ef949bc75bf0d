"""The data plane of a process: databases, stores, routes, transfers, the ledger, and background work."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from prometheus_client.registry import Collector

from app.background import Worker, with_leadership
from app.connection_limits import pool_sizes
from app.credits import ExpiryWorker, Ledger, LedgerMetrics, Shards, StatementLines
from app.credits.events import PERSONAL_FIELDS
from app.credits.ledger import utc_now
from app.credits.streams import Clock
from app.database import Databases
from app.database.leadership import Leaderships
from app.events import EventStore, Notifier, Wakeup
from app.personal_data import MasterKey, PersonalData, SubjectKeys
from app.projections import ProjectionMetrics, Projector
from app.sharding import PostgresMapStore, Router
from app.sharding.reads import ReadMetrics, ReplicaDatabases, build_read_router
from app.topology import Directory
from app.transfers import LOCK_SECONDS, Forgetting, Resolver, TransferMetrics, Transfers

NOTICES_APART_SECONDS = 0.1
"""Shortest time between two notices of new events on a shard."""
REST_SECONDS = 0.25
"""Pause of a projector between two batches: no reader waits for a read model, so batches may be large."""


class DataPlane:
    """Everything that a process needs to work on accounts."""

    def __init__(
        self,
        directory: Directory,
        *,
        cloud: str,
        pool_size: int,
        database_seconds: float,
        master_key: MasterKey,
        clock: Clock = utc_now,
    ) -> None:
        """`cloud` is where the process runs: shards with that home are its home shards. `master_key` wraps the keys of
        personal data."""
        self._home = [shard.name for shard in directory.at_home(cloud)]
        self._clock = clock
        sizes = pool_sizes(pool_size)
        self.databases = Databases(directory.shards, home=cloud, size=sizes.requests, seconds=database_seconds)
        # Transfers that wait for locked streams use connections of their own: they must neither block requests nor the
        # transfers that release streams.
        self._waiting = Databases(
            directory.shards, home=cloud, size=sizes.waiting, seconds=database_seconds, lock_seconds=LOCK_SECONDS
        )
        self._settling = Databases(directory.shards, home=cloud, size=sizes.settling, seconds=database_seconds)
        by_shard = self.databases.by_shard
        self._notifiers = {
            name: Notifier(database, apart_seconds=NOTICES_APART_SECONDS) for name, database in by_shard.items()
        }
        self.stores = {name: EventStore(database, stored=self._notifiers[name]) for name, database in by_shard.items()}
        maps = directory.map_shard.name
        self.router = Router(directory, self.stores, PostgresMapStore(by_shard[maps], shard=maps))
        self._replicas = ReplicaDatabases(directory, size=pool_size, seconds=database_seconds)
        self.reads = build_read_router(self.router, directory, by_shard, self._replicas, home=cloud)
        self.transfer_metrics = TransferMetrics()
        self.transfers = Transfers(
            self._waiting.by_shard,
            self._settling.by_shard,
            lambda key: self.router.route(key)[0],
            self._refresh,
            metrics=self.transfer_metrics,
            stored=lambda shard: self._notifiers[shard](),
        )
        self.projection_metrics = ProjectionMetrics()
        self.ledger_metrics = LedgerMetrics()
        self.keys = {name: SubjectKeys(database, master_key) for name, database in by_shard.items()}
        self.ledger = Ledger(
            Shards(self.router, by_shard),
            self.transfers,
            PersonalData(self.router, self.keys, PERSONAL_FIELDS),
            clock=clock,
            metrics=self.ledger_metrics,
        )

    async def open(self) -> None:
        """Start to connect."""
        for databases in (self.databases, self._waiting, self._settling):
            await databases.open()
        await self._replicas.open()

    async def close(self) -> None:
        """Wait for transfers under way, and close every connection."""
        await self.transfers.close()
        await asyncio.gather(*(notifier.close() for notifier in self._notifiers.values()))
        await self._replicas.close()
        for databases in (self._settling, self._waiting, self.databases):
            await databases.close()

    @property
    def home_stores(self) -> dict[str, EventStore]:
        """The stores of the home shards."""
        return {name: self.stores[name] for name in self._home}

    @property
    def collectors(self) -> list[Collector]:
        """The Prometheus collectors of all parts."""
        return [self.ledger_metrics.operations, self.transfer_metrics, self.projection_metrics, ReadMetrics(self.reads)]

    def workers(self) -> Iterator[Worker]:
        """Yield the background workers; only processes in a shard's home cloud work on it."""
        yield Worker("slot map", self.router.watch)
        yield Worker("standbys", self.reads.watch)
        participants = self.transfers.participants
        for name in self._home:
            database = self.databases.by_shard[name]
            yield Resolver(participants[name], participants, self.transfer_metrics).worker
            leaderships = Leaderships(database)
            yield with_leadership(leaderships, Forgetting(participants[name], participants).worker)
            yield with_leadership(leaderships, self._expiry(name).worker)
            wakeup = Wakeup(database)
            yield Worker(f"notices of {name}", wakeup.run)
            projector = Projector(database, StatementLines(), wakeup=wakeup, rest_seconds=REST_SECONDS)
            yield from projector.workers(leaderships)
            yield self.projection_metrics.watching(database)

    def expiries(self) -> list[ExpiryWorker]:
        """Return, for every shard, the worker that records expired credits."""
        return [self._expiry(name) for name in self.databases.by_shard]

    def _expiry(self, shard: str) -> ExpiryWorker:
        return ExpiryWorker(shard, self.databases.by_shard[shard], self.ledger, self._clock)

    async def _refresh(self) -> None:
        await self.router.refresh()
