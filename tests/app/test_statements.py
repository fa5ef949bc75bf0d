"""Statements: lines of a read model united with the events behind it, so that no reader ever sees a lag."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import psycopg
import pytest

from app.background import Background
from app.credits import Origin, StatementLine, StatementLines, account_id
from app.data_plane import DataPlane
from app.database import ShardDatabase
from app.personal_data.key_file import FileMasterKey
from app.projections import Projector, rebuild
from app.tasks import cancel_and_wait
from app.topology import Directory, slot_of
from tests.waiting import until

from .conftest import Postgres

pytestmark = pytest.mark.servers

ALICE = account_id("alice")
LINES = "select generation, version, total from statement_lines where stream = 'alice' order by 1, 2"


@pytest.fixture
async def plane(migrated: Directory, master: FileMasterKey) -> AsyncIterator[DataPlane]:
    plane = DataPlane(migrated, cloud="aws", pool_size=4, database_seconds=5, master_key=master)
    await plane.open()
    yield plane
    await plane.close()


@pytest.fixture
def database(plane: DataPlane) -> ShardDatabase:
    """Where alice lives."""
    return plane.databases.by_shard[plane.router.route(ALICE)[0].shard]


@pytest.fixture
def operator(answering: Postgres, database: ShardDatabase) -> Iterator[psycopg.Connection[Any]]:
    with answering.as_operator(database.shard.database) as connection:
        yield connection


def by() -> Origin:
    return Origin.of("tester")


async def fill(plane: DataPlane, events: int) -> None:
    for number in range(1, events + 1):
        await plane.ledger.grant(ALICE, number, origin=by(), reason=f"grant {number}")


async def statement(plane: DataPlane, limit: int = 3) -> list[StatementLine]:
    """All lines, page by page."""
    lines: list[StatementLine] = []
    while page := await plane.ledger.statement(ALICE, before=lines[-1].version if lines else None, limit=limit):
        lines += page
    return lines


async def begun(database: ShardDatabase, *, limit: int = 1000) -> Projector:
    projector = Projector(database, StatementLines(), limit=limit)
    serving = asyncio.create_task(projector.serve())
    await until(lambda: database.rows("select from projection_generations", {}), "the first generation")
    await cancel_and_wait([serving])
    return projector


async def catch_up(projector: Projector) -> None:
    while await projector.serve_page() or await projector.build_page():
        pass


async def test_however_far_the_read_model_has_come_a_statement_is_whole(
    plane: DataPlane, database: ShardDatabase, operator: psycopg.Connection[Any]
) -> None:
    await fill(plane, 7)
    whole = await statement(plane)
    assert [line.version for line in whole] == [7, 6, 5, 4, 3, 2, 1]
    assert whole[2].change == 5
    assert (whole[2].balance, whole[2].details) == (15, {"amount": 5, "reason": "grant 5"})
    projector = await begun(database, limit=2)
    while await projector.serve_page():
        assert await statement(plane) == whole
        assert await statement(plane, limit=7) == whole
    assert operator.execute(LINES).fetchall() == [(1, n, n * (n + 1) // 2) for n in range(1, 8)]


async def test_what_is_projected_is_read_from_the_read_model(
    plane: DataPlane, database: ShardDatabase, operator: psycopg.Connection[Any]
) -> None:
    await fill(plane, 2)
    await catch_up(await begun(database))
    operator.execute("update statement_lines set type = 'Projected'")
    await plane.ledger.spend(ALICE, 1, origin=by())
    assert [line.type for line in await statement(plane)] == ["Spent", "Projected", "Projected"]


async def test_a_rebuild_is_not_seen_by_readers(
    plane: DataPlane, database: ShardDatabase, operator: psycopg.Connection[Any]
) -> None:
    await fill(plane, 5)
    projector = await begun(database, limit=2)
    await catch_up(projector)
    whole = await statement(plane)
    assert await rebuild(database, "statement") == 2
    while await projector.build_page():
        assert await statement(plane) == whole
    assert {row[0] for row in operator.execute(LINES)} == {2}
    assert await statement(plane) == whole


async def test_a_slot_that_left_and_came_back_is_projected_anew(
    plane: DataPlane, database: ShardDatabase, operator: psycopg.Connection[Any]
) -> None:
    await fill(plane, 4)
    projector = await begun(database, limit=3)
    await catch_up(projector)
    whole, slot = await statement(plane), slot_of(ALICE)
    with operator.transaction():
        operator.execute("create temporary table gone on commit drop as select * from events where slot = %s", [slot])
        operator.execute("update slots set state = 'left' where slot = %s", [slot])
        operator.execute("delete from events where slot = %s", [slot])
        operator.execute("select drop_statement_lines(%s::smallint)", [slot])
        assert operator.execute(LINES).fetchall() == []
        operator.execute("update slots set state = 'owned' where slot = %s", [slot])
        operator.execute("insert into events select * from gone order by random()")
    await fill(plane, 1)
    await catch_up(projector)
    assert [row[1] for row in operator.execute(LINES)] == [1, 2, 3, 4, 5]
    assert (await statement(plane))[1:] == whole


async def test_lines_are_not_dropped_under_a_page_that_is_being_applied(
    plane: DataPlane, database: ShardDatabase, operator: psycopg.Connection[Any]
) -> None:
    await fill(plane, 3)
    projector = await begun(database)
    applying, go_on = asyncio.Event(), asyncio.Event()
    apply = StatementLines.apply

    async def slowly(self: StatementLines, *arguments: Any, **named: Any) -> None:
        await apply(self, *arguments, **named)
        applying.set()
        await go_on.wait()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(StatementLines, "apply", slowly)
        page = asyncio.create_task(projector.serve_page())
        await applying.wait()
        operator.execute("set lock_timeout = '50ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            operator.execute("select drop_statement_lines(%s::smallint)", [slot_of(ALICE)])
        go_on.set()
        await page
    operator.execute("select drop_statement_lines(%s::smallint)", [slot_of(ALICE)])
    assert operator.execute(LINES).fetchall() == []


async def test_the_workers_of_the_data_plane_project_what_is_stored_and_tell_their_lag(
    migrated: Directory, master: FileMasterKey, operator: psycopg.Connection[Any], database: ShardDatabase
) -> None:
    home = database.shard.home
    plane = DataPlane(migrated, cloud=home, pool_size=4, database_seconds=5, master_key=master)
    await plane.open()
    try:
        async with Background(plane.workers()):
            await fill(plane, 3)
            await until(lambda: len(operator.execute(LINES).fetchall()) >= 3, "three statement lines")
            samples = await until(lambda: _lags(plane), "samples of the lag")
            assert samples.keys() == {(database.shard.name, "statement", "serving")}
    finally:
        await plane.close()
    assert not _lags(plane)


def _lags(plane: DataPlane) -> dict[tuple[str, ...], float]:
    families = {family.name: family for family in plane.projection_metrics.collect()}
    samples = families["fortress_projection_lag_events"].samples
    assert len(families["fortress_projection_lag_seconds"].samples) == len(samples)
    return {tuple(sample.labels.values()): sample.value for sample in samples}
