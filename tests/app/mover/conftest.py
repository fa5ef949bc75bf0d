"""Three servers that can be killed: one that slots leave, one that they go to, and one that holds the map."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import multiprocessing
import signal
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from app.database import Databases, DatabaseUnavailable
from app.events import Append, EventStore, NewEvent
from app.events.model import Slot
from app.provisioning.migrate import Migrator
from app.sharding import PostgresMapStore, Router
from app.sharding.mover import Step
from app.topology import Directory, Place, StalePlace, parse_directory, slot_of
from tests.app.conftest import (
    HOMES,
    Postgres,
    directory_of,
    log_in_as,
    make_database,
    started_servers,
)
from tests.app.mover import operators
from tests.app.mover.operators import OperatorDatabase, Operators
from tests.waiting import until

SOURCE = "azure-0"
TARGET = "gcp-0"
MAP = "aws-0"
MOVER_SQL = """
create role mover login;
grant ledger_operator, ledger_writer to mover;
"""
processes = multiprocessing.get_context("forkserver")
processes.set_forkserver_preload(["tests.app.mover.operators"])
_free_slots = itertools.count(2000)


@dataclass
class Servers:
    """A server a shard, and slots nobody has used."""

    by_home: Mapping[str, Postgres]
    databases: Mapping[str, str]
    directory: Directory

    def server(self, shard: str) -> Postgres:
        return self.by_home[shard.removesuffix("-0")]

    def ask(self, shard: str, question: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """As superuser."""
        home = shard.removesuffix("-0")
        with self.by_home[home].as_operator(self.databases[home]) as connection:
            cursor = connection.execute(question, parameters)
            return cursor.fetchall() if cursor.description else []

    def state(self, shard: str, slot: int) -> tuple[int, str] | None:
        rows = self.ask(shard, "select epoch, state from slots where slot = %s", slot)
        return rows[0] if rows else None

    def owners(self, slot: int) -> list[str]:
        """The shards that take writes."""
        states = {shard: self.state(shard, slot) for shard in (SOURCE, TARGET, MAP)}
        return [shard for shard, state in states.items() if state is not None and state[1] == "owned"]

    def mapped(self, slot: int) -> tuple[str, int, str]:
        [row] = self.ask(MAP, "select shard, epoch, state from slot_map where slot = %s", slot)
        return row

    def rows_of(self, shard: str, slot: int) -> dict[str, int]:
        """Count the rows of a slot on a shard, by table."""
        tables = ("streams", "events", "events_archive", "subject_keys", "slots")
        return {
            table: count
            for table in tables
            if (count := self.ask(shard, f"select count(*) from {table} where slot = %s", slot)[0][0])
        }

    def operators(self) -> Operators:
        databases = {
            f"{home}-0": OperatorDatabase(f"{home}-0", parameters_of(self.by_home[home], self.databases[home]))
            for home in HOMES
        }
        return Operators(databases, MAP)

    def run(self, command: str, slot: int, step: Step | None = None, *, times: int = 1) -> int | None:
        """The mover in a process of its own; its exit code."""
        process = processes.Process(target=operators.run, args=(self.operators(), command, slot, TARGET, step, times))
        process.start()
        process.join(60)
        assert process.exitcode is not None
        return process.exitcode

    def kill_mover(self, command: str, slot: int, step: Step, *, times: int = 1) -> None:
        assert self.run(command, slot, step, times=times) == -signal.SIGKILL, f"{command} does not come to {step}"

    def revive(self) -> None:
        for server in self.by_home.values():
            server.revive()


def parameters_of(server: Postgres, database: str) -> dict[str, Any]:
    pair = server.authority.client_certificate("mover")
    return {
        "host": server.address,
        "port": server.port,
        "dbname": database,
        "user": "mover",
        "sslmode": "verify-full",
        "sslrootcert": str(server.authority.ca_certificate),
        "sslcert": str(pair.certificate),
        "sslkey": str(pair.key),
    }


@pytest.fixture(scope="session")
def started() -> Iterator[Servers]:
    with started_servers("mover", *(f"postgres-{cloud}" for cloud in HOMES)) as servers:
        yield migrated(dict(zip(HOMES, servers, strict=True)))


def migrated(by_home: Mapping[str, Postgres]) -> Servers:
    databases = {cloud: make_database(server, cloud) for cloud, server in by_home.items()}
    document = json.loads(directory_of(by_home["aws"], databases))
    for entry in document["shards"]:
        entry["host"] = by_home[entry["home"]].address
    directory = parse_directory(json.dumps(document))
    with pytest.MonkeyPatch.context() as patch:
        log_in_as(patch, by_home["aws"], "migrator")
        for listed in directory.shards:
            Migrator(listed, directory=directory).up(lambda _: None)
    for server in by_home.values():
        with server.as_operator("postgres") as connection:
            connection.execute(MOVER_SQL)
    return Servers(by_home, databases, directory)


@pytest.fixture
def servers(started: Servers, monkeypatch: pytest.MonkeyPatch) -> Servers:
    """The servers, all up, in an environment that logs in as the app."""
    started.revive()
    log_in_as(monkeypatch, started.by_home["aws"], "ledger")
    return started


@pytest.fixture
def slot() -> int:
    """A slot of the source that no other test uses."""
    return next(_free_slots)


def keys_of(slot: int, count: int) -> list[str]:
    """Names of streams of a slot."""
    names = (f"account-{number}" for number in itertools.count())
    return list(itertools.islice((name for name in names if slot_of(name) == slot), count))


@dataclass
class Ledger:
    """The app's stores, and the writes that were acknowledged to it."""

    router: Router[EventStore]
    acknowledged: dict[str, list[int]] = field(default_factory=dict)
    """Numbers of the events, by stream."""
    refused: list[Exception] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    async def append(self, stream: str, **more: Any) -> None:
        """Append one event until it is acknowledged, whatever happens on the way; what does is noted."""
        number = next(self._numbers)

        async def call(place: Place, store: EventStore) -> None:
            await store.append(
                Append(
                    stream,
                    [NewEvent("Happened", {"number": number}, change=1)],
                    slot=Slot(place.slot, place.epoch),
                    idempotency_key=str(number),
                    **more,
                )
            )

        while True:
            try:
                await self.router.routed(stream, call)
            except (StalePlace, DatabaseUnavailable) as error:
                self.refused.append(error)
                # As the app does every second: a dead shard cannot tell that its slot is elsewhere by now.
                with contextlib.suppress(DatabaseUnavailable):
                    await self.router.refresh()
            else:
                self.acknowledged.setdefault(stream, []).append(number)
                return

    async def fill(self, slot: int, *, streams: int = 4, events: int = 25) -> list[str]:
        """Streams of a slot with some events."""
        names = keys_of(slot, streams)
        await asyncio.gather(*(self.append(name) for name in names for _ in range(events)))
        return names

    async def read(self, stream: str) -> list[tuple[int, int]]:
        """Versions and numbers of all events, by a map that is not stale."""
        await self.router.refresh()

        async def call(_: Place, store: EventStore) -> list[tuple[int, int]]:
            return [(event.version, event.data["number"]) for event in await store.read(stream, limit=100_000)]

        return await self.router.routed(stream, call)

    @contextlib.asynccontextmanager
    async def writers(self, streams: list[str], *, each: int = 1) -> AsyncIterator[None]:
        """Streams are written all the time."""
        going_on = True

        async def write(stream: str) -> None:
            while going_on:
                await self.append(stream)

        tasks = [asyncio.create_task(write(stream)) for stream in streams for _ in range(each)]
        try:
            yield
        finally:
            going_on = False
            await asyncio.gather(*tasks)

    async def written(self, streams: list[str], *, more: int = 5) -> None:
        """Until each stream has some more events that were acknowledged."""
        goal = {stream: len(self.acknowledged.get(stream, [])) + more for stream in streams}
        await until(
            lambda: all(len(self.acknowledged.get(stream, [])) >= goal[stream] for stream in streams),
            f"{more} more events of every stream",
            poll_seconds=0.002,
        )

    async def is_whole(self) -> None:
        """Every acknowledged event is there exactly once, in versions without holes; writers in turn come in order."""
        for stream, numbers in self.acknowledged.items():
            read = await self.read(stream)
            assert [version for version, _ in read] == list(range(1, len(read) + 1))
            assert sorted(number for _, number in read) == sorted(numbers)


@pytest.fixture
async def ledger(servers: Servers) -> AsyncIterator[Ledger]:
    databases = Databases(servers.directory.shards, home="aws", size=4, seconds=5)
    await databases.open()
    stores = {name: EventStore(database) for name, database in databases.by_shard.items()}
    router = Router(servers.directory, stores, PostgresMapStore(databases.by_shard[MAP], shard=MAP))
    await router.refresh()
    yield Ledger(router)
    await databases.close()
