"""A dump of a shard comes back to life in another cluster, where transaction ids begin anew."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner

from app.database import Role, ShardDatabase
from app.events import START, Append, Cursor, EventStore, NewEvent, RebaseNeeded, Slot, StoredEvent, Tail
from app.events.archive import archive
from app.projections import Projector, lags, rebuild
from app.provisioning.migrate import Migrator
from app.topology import NoLogin, Shard, parse_directory
from cli.main import app

from .conftest import (
    FORGET,
    Postgres,
    binaries,
    environment_of,
    log_in_as,
    make_database,
    shard,
    started_servers,
)
from .projections.tally import TABLE, Tally

pytestmark = pytest.mark.servers

HERE = Slot(7, 1)
SPENT = 3000
"""Transaction ids that the first cluster has given away before the test."""
SPEND = f"""
do $$
begin
    for number in 1..{SPENT} loop
        perform pg_current_xact_id();
        commit;
    end loop;
end
$$;
"""
Places = list[tuple[str, int]]
Command = Callable[..., Awaitable[str]]


class Shards:
    """The same shard on two servers."""

    def __init__(self, old: Postgres, new: Postgres, folder: Path) -> None:
        self.old, self.new, self.folder = old, new, folder
        self.name = make_database(old, "aws")

    def text(self, server: Postgres) -> str:
        return json.dumps({"slots": 4096, "shards": [shard(server, "aws", self.name) | {"slots": [[0, 4095]]}]})

    def of(self, server: Postgres) -> Shard:
        return parse_directory(self.text(server)).shards[0]

    def ask(self, server: Postgres, question: str) -> list[tuple[Any, ...]]:
        with server.as_operator(self.name) as connection:
            cursor = connection.execute(question)
            return cursor.fetchall() if cursor.description else []

    def restore(self) -> None:
        """Restore as in docs/restore.md: the roles, then the database."""
        roles, dump = self.folder / "roles.sql", self.folder / "shard.dump"
        self._run(self.old, "pg_dumpall", "--roles-only", "--no-role-passwords", "--file", str(roles))
        self._run(self.old, "pg_dump", "--format", "custom", "--file", str(dump), self.name)
        with self.new.as_operator("postgres") as connection:
            connection.execute(f"drop database if exists {self.name} with (force)")
            connection.execute(f"create database {self.name} owner migrator")
        self._run(self.new, "psql", "--quiet", "--file", str(roles), "postgres")
        self._run(self.new, "pg_restore", "--exit-on-error", "--dbname", self.name, str(dump))

    def _run(self, server: Postgres, tool: str, *arguments: str) -> None:
        environment = os.environ | environment_of(server.authority, "postgres")
        environment |= {"PGHOST": server.address, "PGPORT": str(server.port), "PGUSER": "postgres"}
        subprocess.run([binaries() / tool, *arguments], env=environment, check=True, capture_output=True)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shards]:
    with started_servers("restore", "old", "new") as (old, new), pytest.MonkeyPatch.context() as patch:
        log_in_as(patch, old, "migrator")
        made = Shards(old, new, tmp_path_factory.mktemp("dumps"))
        made.ask(old, SPEND)
        Migrator(made.of(old), directory=parse_directory(made.text(old))).up(lambda _: None)
        made.ask(old, TABLE + "grant all on tally to migrator")
        yield made


@pytest.fixture
def shards(both: Shards, monkeypatch: pytest.MonkeyPatch) -> Shards:
    log_in_as(monkeypatch, both.old, "migrator")
    both.ask(both.old, FORGET)
    return both


@pytest.fixture
def fortress(shards: Shards, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Command:
    """The command, as an operator of the new server types it."""
    (tmp_path / "directory.json").write_text(shards.text(shards.new))
    monkeypatch.setenv("FORTRESS_DIRECTORY", str(tmp_path / "directory.json"))

    async def run(*words: str, exit_code: int = 0) -> str:
        result = await asyncio.to_thread(CliRunner().invoke, app, ["shards", *words])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == exit_code, result.output
        return result.stdout

    return run


@asynccontextmanager
async def opened(shard: Shard) -> AsyncIterator[ShardDatabase]:
    database = ShardDatabase(shard, size=2, kept=1, seconds=10, role=Role.ADMIN)
    await database.open()
    try:
        yield database
    finally:
        await database.close()


async def read_all(database: ShardDatabase, after: Cursor = START) -> list[StoredEvent]:
    tail, found = Tail(database), list[StoredEvent]()
    while page := await tail.page(found[-1].cursor if found else after, limit=7):
        found += page
    return found


def named(found: list[StoredEvent]) -> Places:
    return [(event.stream, event.version) for event in found]


async def append(database: ShardDatabase, *streams: str, count: int = 1) -> Places:
    """Append to each in turn; the events in the order that a tail has to have them."""
    placed = []
    for _ in range(count):
        for stream in streams:
            stored = await EventStore(database).append(Append(stream, [NewEvent("Counted", {}, change=3)], slot=HERE))
            placed.append((stream, stored.version))
    return placed


async def fill(shards: Shards) -> Places:
    """Open streams, and a closed one whose events are in the archive; what a tail reads of them."""
    async with opened(shards.of(shards.old)) as database:
        placed = await append(database, "a", "closed", "b", count=6)
        await EventStore(database).append(Append("closed", [NewEvent("Counted", {}, change=3)], slot=HERE, closes=True))
        placed += [("closed", 7), *await append(database, "a", "c", count=4)]
        moved = await archive(database, closed_before=datetime.now(UTC) + timedelta(minutes=1))
        assert moved.events == 6
        assert named(await read_all(database)) == placed
    return placed


def tally(shards: Shards, generation: int = 1) -> dict[str, tuple[int, int, int]]:
    question = f"select stream, events, total, last from tally where generation = {generation}"
    return {stream: tuple(row) for stream, *row in shards.ask(shards.new, question)}


def truth(shards: Shards) -> dict[str, tuple[int, int, int]]:
    question = "select stream, count(*), sum(change)::bigint, max(version) from all_events group by 1"
    return {stream: tuple(row) for stream, *row in shards.ask(shards.new, question)}


async def test_a_restored_shard_is_not_tailed_until_it_is_rebased(shards: Shards, fortress: Command) -> None:
    placed = await fill(shards)
    shards.restore()
    [(oldest,)] = shards.ask(shards.new, "select min(transaction_id::text::bigint) from all_events")
    [(here,)] = shards.ask(shards.new, "select pg_current_xact_id()::text::bigint")
    assert here < oldest
    async with opened(shards.of(shards.new)) as database:
        with pytest.raises(RebaseNeeded, match="run `fortress shards rebase`"):
            await Tail(database).page(START)
        # Asking for a stream needs no order of the shard.
        assert [event.version for event in await EventStore(database).read("closed")] == list(range(1, 8))
        assert await fortress("rebase") == f"aws-0: {len(placed)} events are renumbered\n"
        before = await read_all(database)
        assert named(before) == placed
        more = await append(database, "b", "new", "a", count=9)
        assert named(await read_all(database, before[-1].cursor)) == more
        assert named(await read_all(database)) == placed + more
        assert json.loads(await fortress("rebase", "aws-0", "--json")) == {"shard": "aws-0", "rebased": 0}
        assert named(await read_all(database)) == placed + more


async def test_what_was_appended_before_the_rebase_comes_last(shards: Shards, fortress: Command) -> None:
    placed = await fill(shards)
    shards.restore()
    async with opened(shards.of(shards.new)) as database:
        placed += await append(database, "a", "new", count=3)
        await fortress("rebase")
        placed += await append(database, "new", "b", count=3)
        assert named(await read_all(database)) == placed


async def test_a_restored_event_may_carry_the_id_of_the_transaction_that_restored_it(
    shards: Shards, fortress: Command
) -> None:
    async with opened(shards.of(shards.old)) as database:
        placed = await append(database, "s", count=3)
    shards.restore()
    shards.ask(
        shards.new,
        "update events set transaction_id = (pg_current_xact_id()::text::bigint + 100 * (version - 2))::text::xid8",
    )
    carried = shards.ask(shards.new, "select version, xmin = transaction_id::xid from events order by version")
    assert carried == [(1, False), (2, True), (3, False)]
    async with opened(shards.of(shards.new)) as database:
        placed += await append(database, "s")
        await fortress("rebase")
        assert named(await read_all(database)) == placed


@pytest.mark.parametrize("pages", [0, 1, 2, 9])
async def test_read_models_go_on_where_they_were(shards: Shards, fortress: Command, pages: int) -> None:
    await fill(shards)
    shards.ask(shards.old, "insert into projection_generations values ('tally', 1, 'serving')")
    async with opened(shards.of(shards.old)) as database:
        projector = Projector(database, Tally(), limit=7)
        for _ in range(pages):
            await projector.serve_page()
    shards.restore()
    async with opened(shards.of(shards.new)) as database:
        projector = Projector(database, Tally(), limit=7)
        with pytest.raises(RebaseNeeded):
            await projector.serve_page()
        await append(database, "a", "new")
        await fortress("rebase")
        [lag] = await lags(database)
        assert lag.events == max(27 - 7 * pages, 0) + 2
        while await projector.serve_page():
            pass
        assert tally(shards) == truth(shards)
        await append(database, "new", "b", count=5)
        await rebuild(database, "tally")
        while await projector.serve_page() or await projector.build_page():
            pass
        assert tally(shards, 2) == truth(shards)


async def test_a_shard_is_checked_against_the_map(shards: Shards, fortress: Command) -> None:
    shards.restore()
    assert await fortress("check") == "aws-0: as the map says\n"
    with shards.new.as_operator(shards.name) as connection:
        connection.execute("update slots set epoch = 3 where slot = 8")
        connection.execute("update slots set state = 'left' where slot = 9")
    assert json.loads(await fortress("check", "--json", exit_code=1)) == {
        "shard": "aws-0",
        "strangers": [8],
        "missing": [8, 9],
    }
    assert await fortress("check", exit_code=1) == ("aws-0: takes 1 slots against the map, refuses 2 of its own\n")


async def test_a_shard_that_nobody_knows_is_not_rebased(fortress: Command) -> None:
    with pytest.raises(NoLogin, match="the directory does not list shard ibm-0"):
        await fortress("rebase", "ibm-0")


async def test_the_app_may_read_what_was_restored_and_not_rebase_it(shards: Shards, fortress: Command) -> None:
    placed = await fill(shards)
    shards.restore()
    with shards.new.connect(shards.name, "ledger") as connection:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("select rebase_events()")
        await fortress("rebase")
        assert connection.execute("select stream, version from tail_events(0, 0, 100)").fetchall() == placed
