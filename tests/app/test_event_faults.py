"""Whatever fails while clients append, what they were told is what is there."""

from __future__ import annotations

import asyncio
import contextlib
import random
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from app.database import DatabaseUnavailable
from app.events import Append, Appended, EventStore, NewEvent, Slot, VersionConflict
from app.topology import Directory
from tests.waiting import until

from .conftest import FORGET, Postgres, opened_database
from .history import Operation, violations

pytestmark = pytest.mark.servers

HERE = Slot(7, 1)
STREAMS = [f"s{number}" for number in range(6)]


@dataclass
class Clients:
    """Clients that append and read at random, each one call after the other, and write down what they saw."""

    store: EventStore
    number: int
    chance: random.Random
    twice: bool = False
    """Whether every append is delivered twice, at the same time."""
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    operations: list[Operation] = field(default_factory=list)
    stopped: bool = False

    async def run(self) -> None:
        await asyncio.gather(*(self._client(f"c{number}") for number in range(self.number)))

    @property
    def acknowledged(self) -> int:
        return sum(operation.kind == "stored" for operation in self.operations)

    async def _client(self, name: str) -> None:
        call = 0
        known = dict.fromkeys(STREAMS, 0)
        while not self.stopped:
            call += 1
            stream = self.chance.choice(STREAMS)
            action = self.chance.random()
            if action < 0.2:
                await self._read(stream, known)
            else:
                await self._append(stream, f"{name}-{call}", known, expecting=action < 0.5)

    async def _read(self, stream: str, known: dict[str, int]) -> None:
        started = time.monotonic()
        try:
            head = await self.store.head(stream)
        except DatabaseUnavailable:
            return
        known[stream] = head.version if head else 0
        self.operations.append(Operation(stream, "saw", started, time.monotonic(), known[stream]))

    async def _append(self, stream: str, mark: str, known: dict[str, int], *, expecting: bool) -> None:
        started = time.monotonic()

        def once() -> Awaitable[object]:
            return self.store.append(
                Append(
                    stream,
                    [NewEvent("Happened", {"mark": mark})],
                    slot=HERE,
                    expected_version=known[stream] if expecting else None,
                    idempotency_key=mark,
                    now=self.now(),
                )
            )

        try:
            version = await self._acknowledged(once)
        except VersionConflict as conflict:
            known[stream] = conflict.actual
            self._note(stream, "refused", started, mark)
            self._note(stream, "saw", started, "", conflict.actual)
        except DatabaseUnavailable:
            self._note(stream, "unknown", started, mark)
        else:
            known[stream] = version
            self._note(stream, "stored", started, mark, version)

    async def _acknowledged(self, once: Callable[[], Awaitable[object]]) -> int:
        if not self.twice:
            return (await once()).version  # type: ignore[attr-defined,no-any-return]
        first, second = await asyncio.gather(once(), once(), return_exceptions=True)
        for outcome in (first, second):
            if isinstance(outcome, BaseException):
                raise outcome
        assert first._replace(repeated=False) == second._replace(repeated=False)  # type: ignore[union-attr]
        assert first.repeated != second.repeated  # type: ignore[union-attr]
        return first.version  # type: ignore[union-attr,no-any-return]

    def _note(self, stream: str, kind: str, started: float, mark: str, version: int = 0) -> None:
        self.operations.append(Operation(stream, kind, started, time.monotonic(), version, mark))  # type: ignore[arg-type]


@pytest.fixture
async def store(migrated: Directory) -> AsyncIterator[EventStore]:
    async with opened_database(migrated) as database:
        yield EventStore(database)


@pytest.fixture
def shard_database(migrated: Directory) -> str:
    return migrated.shards[0].database


def final(postgres: Postgres, database: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    with postgres.as_operator(database) as connection:
        for stream, version, mark in connection.execute(
            "select stream, version, data->>'mark' from events order by stream, version"
        ):
            found.setdefault(stream, []).append(mark)
            assert version == len(found[stream])
        heads = dict(connection.execute("select stream, version from streams").fetchall())
    assert heads == {stream: len(marks) for stream, marks in found.items()}
    return found


async def under(clients: Clients, fault: Callable[[], Awaitable[None]]) -> None:
    """Let clients run, meet the fault, and run on until all of them have got through again."""
    running = asyncio.create_task(clients.run())
    await acknowledged(clients, 100)
    await fault()
    await acknowledged(clients, clients.acknowledged + 100)
    clients.stopped = True
    await running


async def acknowledged(clients: Clients, count: int) -> None:
    await until(lambda: clients.acknowledged >= count, f"{count} acknowledged events")


async def test_a_killed_server_loses_nothing_that_it_acknowledged(
    store: EventStore, postgres: Postgres, shard_database: str
) -> None:
    clients = Clients(store, 12, random.Random(1))

    async def killed() -> None:
        for _ in range(3):
            await asyncio.to_thread(postgres.kill)
            await asyncio.to_thread(postgres.start)
            await acknowledged(clients, clients.acknowledged + 30)

    await under(clients, killed)
    assert violations(clients.operations, final(postgres, shard_database)) == []


async def test_connections_that_are_cut_double_nothing(
    store: EventStore, postgres: Postgres, shard_database: str
) -> None:
    clients = Clients(store, 12, random.Random(2))

    async def cut() -> None:
        with postgres.as_operator("postgres") as connection:
            for _ in range(40):
                connection.execute("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'ledger'")
                await asyncio.sleep(0.01)

    await under(clients, cut)
    assert violations(clients.operations, final(postgres, shard_database)) == []


async def test_duplicate_delivery_stores_once(store: EventStore, postgres: Postgres, shard_database: str) -> None:
    clients = Clients(store, 12, random.Random(3), twice=True)

    async def nothing() -> None:
        pass

    await under(clients, nothing)
    assert violations(clients.operations, final(postgres, shard_database)) == []


async def test_clocks_that_jump_change_no_order(store: EventStore, postgres: Postgres, shard_database: str) -> None:
    chance = random.Random(4)
    clients = Clients(store, 12, chance, now=lambda: datetime.now(UTC) + timedelta(days=chance.uniform(-9999, 9999)))

    async def nothing() -> None:
        pass

    await under(clients, nothing)
    assert violations(clients.operations, final(postgres, shard_database)) == []


FULL = """
create function disk_is_full() returns trigger language plpgsql as $$
begin
    if random() < 0.2 then
        raise exception 'could not extend file: No space left on device' using errcode = 'disk_full';
    end if;
    return new;
end
$$;
create trigger disk_is_full before insert on events for each row execute function disk_is_full();
"""


async def test_a_disk_that_is_full_now_and_then_stores_whole_appends_or_nothing(
    store: EventStore, postgres: Postgres, shard_database: str
) -> None:
    clients = Clients(store, 12, random.Random(5))

    async def full() -> None:
        with postgres.as_operator(shard_database) as connection:
            connection.execute(FULL)
            await asyncio.sleep(0.5)
            connection.execute("drop function disk_is_full cascade")

    await under(clients, full)
    assert any(operation.kind == "unknown" for operation in clients.operations)
    assert violations(clients.operations, final(postgres, shard_database)) == []


async def test_a_really_full_disk_is_told_and_appends_go_on_once_there_is_room(
    store: EventStore, postgres: Postgres, shard_database: str
) -> None:
    marks = [random.Random(number).randbytes(15_000).hex() for number in range(40)]  # nothing makes them smaller

    def append(number: int) -> Awaitable[Appended]:
        event = NewEvent("Happened", {"mark": marks[number]})
        return store.append(Append(f"s{number}", [event], slot=HERE, idempotency_key="k"))

    disk = Path("/tmp") / f"{postgres.sandbox.root.name}-disk"
    with (
        small_disk(postgres, disk) as folder,
        postgres.as_operator(shard_database) as connection,
        events_on(connection, folder),
    ):
        connection.execute("create table ballast (filling text) tablespace small")
        fill(connection)
        outcomes = await asyncio.gather(*map(append, range(40)), return_exceptions=True)
        refused = [number for number, outcome in enumerate(outcomes) if isinstance(outcome, BaseException)]
        assert refused
        assert all(isinstance(outcomes[number], DatabaseUnavailable) for number in refused)
        connection.execute("drop table ballast")
        assert not any([(await append(number)).repeated for number in refused])
        assert len(final(postgres, shard_database)) == 40
        connection.execute(FORGET)


def fill(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    """Use what room there is."""
    with contextlib.suppress(psycopg.errors.DiskFull):
        while True:
            connection.execute("insert into ballast select repeat(md5(n::text), 30) from generate_series(1, 50) n")


@contextmanager
def events_on(connection: psycopg.Connection[tuple[object, ...]], folder: Path) -> Iterator[None]:
    """Keep events in a folder."""
    connection.execute(f"create tablespace small location '{folder}'")
    try:
        for part in range(8):
            connection.execute(f"alter table events_{part} set tablespace small")
        yield
    finally:
        connection.execute("drop table if exists ballast")
        for part in range(8):
            connection.execute(f"alter table events_{part} set tablespace pg_default")
        connection.execute("drop tablespace small")


@contextmanager
def small_disk(postgres: Postgres, folder: Path) -> Iterator[Path]:
    """A disk of 4 MB."""
    folder.mkdir()
    try:
        if subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=4m,mode=777", "tmpfs", str(folder)], check=False
        ).returncode:
            pytest.skip("only root can mount a small disk")
        try:
            place = folder / "data"
            place.mkdir()
            place.chmod(0o777)
            if postgres.account:
                subprocess.run(["chown", postgres.account, place], check=True)
            yield place
        finally:
            subprocess.run(["umount", str(folder)], check=True)
    finally:
        folder.rmdir()


@pytest.mark.full
async def test_a_hundred_clients_for_a_minute_under_kills(
    store: EventStore, postgres: Postgres, shard_database: str
) -> None:
    clients = Clients(store, 100, random.Random(6))
    running = asyncio.create_task(clients.run())
    end = time.monotonic() + 60
    while time.monotonic() < end:
        await acknowledged(clients, clients.acknowledged + 2000)
        await asyncio.to_thread(postgres.kill)
        await asyncio.to_thread(postgres.start)
    clients.stopped = True
    await running
    assert violations(clients.operations, final(postgres, shard_database)) == []
