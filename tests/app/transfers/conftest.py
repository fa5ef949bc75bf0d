"""Two servers that can be killed, each behind a proxy that can cut its connections."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import uuid
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
import stamina

from app.database import Databases, DatabaseUnavailable
from app.events import Append, EventStore, NewEvent
from app.events.model import Slot
from app.provisioning.migrate import Migrator
from app.tasks import cancel_and_wait
from app.topology import Directory, Place, parse_directory, slot_of
from app.transfers import LOCK_SECONDS, Leg, Participant, Resolver, Step, TransferMetrics, Transfers
from app.transfers.coordinator import RETRY_SECONDS
from tests.app.conftest import (
    FORGET,
    Postgres,
    log_in_as,
    make_database,
    shard,
    started_servers,
)
from tests.waiting import until
from tools.bench.delay_proxy import DelayProxy

SHARDS = {"aws": [0, 2047], "azure": [2048, 4095]}
GRANTED = 1000
ANSWER_SECONDS = 1.5
"""How long a server may take to answer in tests that kill one: nobody wants to wait for it."""
UP_SECONDS = 10.0
"""How long a server may take to answer in tests in which all servers are up: a busy machine is not a fault."""
START_SECONDS = 60.0
"""How long the preparation of a test may retry on a busy machine."""
SEEN_SECONDS = 0.3
"""How old a prepared branch must be before the tests' resolvers settle it."""


class FaultyProxy(DelayProxy):
    """Cuts the connection at the next request, or at the next answer."""

    cut_at: str | None = None

    def passes(self, *, to_server: bool) -> bool:
        if self.cut_at == ("request" if to_server else "answer"):
            self.cut_at = None
            return False
        return True


@dataclass
class Servers:
    """Two shards, each a server of its own."""

    by_shard: Mapping[str, Postgres]
    databases: Mapping[str, str]

    def directory(self, ports: Mapping[str, int] | None = None) -> str:
        """The directory; through the proxies that listen on `ports`."""
        shards = []
        for home, server in self.by_shard.items():
            entry = shard(server, home, self.databases[home]) | {"slots": [SHARDS[home]]}
            if ports is not None:
                entry |= {"address": "127.0.0.1", "port": ports[entry["name"]]}
            shards.append(entry)
        return json.dumps({"slots": 4096, "shards": shards})

    def of(self, shard_name: str) -> Postgres:
        return self.by_shard[shard_name.removesuffix("-0")]

    def ask(self, shard_name: str, question: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """As superuser, and directly."""
        home = shard_name.removesuffix("-0")
        with self.by_shard[home].as_operator(self.databases[home]) as connection:
            cursor = connection.execute(question, parameters)
            return cursor.fetchall() if cursor.description else []

    def revive(self) -> None:
        for server in self.by_shard.values():
            server.revive()

    def forget(self) -> None:
        for home, server in self.by_shard.items():
            name = f"{home}-0"
            for (gid,) in self.ask(name, "select gid from pg_prepared_xacts"):
                self.ask(name, f"rollback prepared '{gid}'")
            server_database = self.databases[home]
            with server.as_operator(server_database) as connection:
                connection.execute(FORGET)

    def prepared(self) -> list[str]:
        question = "select gid from pg_prepared_xacts"
        return [gid for home in self.by_shard for (gid,) in self.ask(f"{home}-0", question)]


@pytest.fixture(scope="module")
def started() -> Iterator[Servers]:
    with started_servers("transfers", *(f"postgres-{cloud}" for cloud in SHARDS)) as made:
        by_shard = dict(zip(SHARDS, made, strict=True))
        servers = Servers(by_shard, {cloud: make_database(server, cloud) for cloud, server in by_shard.items()})
        with pytest.MonkeyPatch.context() as patch:
            log_in_as(patch, by_shard["aws"], "migrator")
            for listed in parse_directory(servers.directory()).shards:
                Migrator(listed).up(lambda _: None)
        yield servers


@pytest.fixture
def servers(started: Servers, monkeypatch: pytest.MonkeyPatch) -> Servers:
    """Both servers, up and empty, in an environment that logs in as the app."""
    started.revive()
    started.forget()
    log_in_as(monkeypatch, started.by_shard["aws"], "ledger")
    return started


@dataclass
class Bank:
    """Streams with totals on both shards, and transfers between them through proxies."""

    servers: Servers
    directory: Directory
    databases: Databases
    settling: Databases
    proxies: Mapping[str, FaultyProxy]
    metrics: TransferMetrics
    transfers: Transfers = field(init=False)
    resolvers: list[Resolver] = field(init=False)
    faults: dict[Step, Callable[[], Any]] = field(default_factory=dict)
    """Faults that happen once, when a transfer reaches a step."""
    stored: list[str] = field(default_factory=list)
    epochs_behind: int = 0
    """By how much the slot map of the transfers is stale, until it is refreshed."""

    def slot(self, stream: str) -> Slot:
        place = self.place(stream)
        return Slot(place.slot, place.epoch)

    def place(self, stream: str) -> Place:
        place = self.directory.place_of(stream)
        return replace(place, epoch=place.epoch + self.epochs_behind)

    async def refresh(self) -> None:
        self.epochs_behind = 0

    async def grant(self, *streams: str, amount: int = GRANTED) -> None:
        """Grant an amount to each stream; retried, because no answer in time is not yet the fault under test."""
        for stream in streams:
            store, key = EventStore(self.databases.by_shard[self.place(stream).shard]), str(uuid.uuid4())
            async for attempt in stamina.retry_context(DatabaseUnavailable, attempts=None, timeout=START_SECONDS):
                with attempt:
                    event = NewEvent("Granted", {}, amount)
                    await store.append(Append(stream, [event], slot=self.slot(stream), idempotency_key=key))

    def total(self, *streams: str) -> int:
        question = "select total from streams where stream = %s"
        found = [self.servers.ask(self.place(stream).shard, question, stream) for stream in streams]
        return sum(rows[0][0] for rows in found if rows)

    def count(self, stream: str, kind: str) -> int:
        question = "select count(*) from events where stream = %s and type = %s"
        return int(self.servers.ask(self.place(stream).shard, question, stream, kind)[0][0])

    async def observe(self, step: Step) -> None:
        if fault := self.faults.pop(step, None):
            done = fault()
            if asyncio.iscoroutine(done):
                await done

    def history(self, stream: str) -> list[tuple[str, int, int]]:
        """Type, change and running total of every event."""
        question = "select type, change, total from events where stream = %s order by version"
        return self.servers.ask(self.place(stream).shard, question, stream)  # type: ignore[return-value]

    def decisions(self) -> list[str]:
        question = "select decision from transfer_decisions"
        return [row[0] for name in self.proxies for row in self.servers.ask(name, question)]

    async def settled(self) -> None:
        """Let the resolvers work until nothing is prepared any more."""
        running = [asyncio.create_task(resolver.run()) for resolver in self.resolvers]
        try:
            await until(self._nothing_is_prepared, "the end of every prepared transaction")
        finally:
            assert not await cancel_and_wait(running, seconds=10)

    async def _nothing_is_prepared(self) -> bool:
        return not await asyncio.to_thread(self.servers.prepared)


@pytest.fixture
async def bank(servers: Servers) -> AsyncIterator[Bank]:
    async with open_bank(servers) as opened:
        yield opened


@contextlib.asynccontextmanager
async def open_bank(servers: Servers, *, seconds: float = ANSWER_SECONDS) -> AsyncIterator[Bank]:
    """`seconds` is how long a server may take for an answer."""
    async with contextlib.AsyncExitStack() as stack:
        proxies = {}
        for home, server in servers.by_shard.items():
            proxies[f"{home}-0"] = await stack.enter_async_context(FaultyProxy(server.address, server.port))
        directory = parse_directory(servers.directory({name: proxy.port for name, proxy in proxies.items()}))
        common = {"home": "aws", "size": 3, "seconds": seconds}
        databases = Databases(directory.shards, **common, lock_seconds=LOCK_SECONDS)
        settling = Databases(directory.shards, **common)
        for opened_databases in (databases, settling):
            await opened_databases.open()
            stack.push_async_callback(opened_databases.close)
        metrics = TransferMetrics()
        opened = Bank(servers, directory, databases, settling, proxies, metrics)
        opened.transfers = Transfers(
            databases.by_shard,
            settling.by_shard,
            opened.place,
            opened.refresh,
            metrics=metrics,
            observe=opened.observe,
            stored=opened.stored.append,
            seconds=max(RETRY_SECONDS, 3 * seconds),
        )
        opened.resolvers = resolvers_of(opened.transfers.participants, metrics)
        stack.push_async_callback(opened.transfers.close)
        yield opened


def resolvers_of(participants: Mapping[str, Participant], metrics: TransferMetrics) -> list[Resolver]:
    return [
        Resolver(participant, participants, metrics, patience_seconds=SEEN_SECONDS, look_seconds=0.1)
        for participant in participants.values()
    ]


def stream_on(shard_name: str, *, hash_is: Callable[[int], bool] = lambda _: True, prefix: str = "s") -> str:
    """A stream that lives on a shard, and whose place in the order of locks is as wanted."""
    first, last = SHARDS[shard_name.removesuffix("-0")]
    return next(
        name
        for name in (f"{prefix}-{number}" for number in itertools.count())
        if first <= slot_of(name) <= last and hash_is(place_in_order(name))
    )


def place_in_order(stream: str) -> int:
    return Append(stream, [NewEvent("E", {})], Slot(0, 1)).stream_hash


def pair(source_shard: str, target_shard: str, *, prepared: str, prefix: str = "s") -> tuple[str, str]:
    """Source and target on these shards; the branch of the one named `prepared` is locked and prepared first."""
    low, high = (lambda place: place < 0), (lambda place: place >= 0)
    of_source, of_target = (low, high) if prepared == "source" else (high, low)
    return (
        stream_on(source_shard, hash_is=of_source, prefix=f"{prefix}-from"),
        stream_on(target_shard, hash_is=of_target, prefix=prefix),
    )


def legs(source: str, target: str, amount: int) -> tuple[Leg, Leg]:
    return (
        Leg(source, NewEvent("TransferredOut", {"to": target, "amount": amount}, -amount), floor=0),
        Leg(target, NewEvent("TransferredIn", {"from": source, "amount": amount}, amount)),
    )


__all__ = ["Bank", "Servers", "legs", "pair", "stream_on"]
