"""Read models of their own transactions: every event in them exactly once, whatever is killed or comes again."""

from __future__ import annotations

import asyncio
import contextlib
import random
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.background import Background
from app.database import ShardDatabase
from app.events import START, Append, EventStore, GapInStream, NewEvent, Notifier, Slot, StoredEvent, Tail, Wakeup
from app.projections import Connection, Projector, lags, rebuild
from app.tasks import cancel_and_wait
from tests.app.conftest import FORGET, Postgres
from tests.waiting import until

from .tally import Tally

pytestmark = pytest.mark.servers

HERE = Slot(7, 1)
ROOT = Path(__file__).parents[3]


async def append(store: EventStore, stream: str, count: int = 1) -> None:
    await store.append(Append(stream, [NewEvent("Counted", {}, change=3)] * count, slot=HERE))


async def catch_up(projector: Projector) -> None:
    while await projector.serve_page() or await projector.build_page():
        pass


async def begin(projector: Projector) -> None:
    """What `serve` does first."""
    serving = asyncio.create_task(projector.serve())
    await until(lambda: projector._generation("serving"), "a serving generation")
    await cancel_and_wait([serving])


def rows(operator: psycopg.Connection[Any], generation: int = 1) -> dict[str, tuple[int, int, int]]:
    """Events, total and last version of every stream in the read model."""
    found = operator.execute("select stream, events, total, last from tally where generation = %s", [generation])
    return {stream: tuple(row) for stream, *row in found}


def truth(operator: psycopg.Connection[Any]) -> dict[str, tuple[int, int, int]]:
    found = operator.execute("select stream, count(*), sum(change)::bigint, max(version) from all_events group by 1")
    return {stream: tuple(row) for stream, *row in found}


def bring_again(operator: psycopg.Connection[Any], streams: Sequence[str], seed: int = 0) -> None:
    """As if the slot had left and had come back while the read model stayed: new places, in any order."""
    with operator.transaction():
        operator.execute("select setseed(%s)", [seed / 1000])
        operator.execute(
            "create temporary table again on commit drop as select * from events where stream = any(%s)",
            [list(streams)],
        )
        operator.execute("update slots set state = 'left' where slot = 7")
        operator.execute("delete from events where stream = any(%s)", [list(streams)])
        operator.execute("update slots set state = 'owned' where slot = 7")
        operator.execute("insert into events select * from again order by random()")


async def test_a_read_model_follows_its_events(
    store: EventStore, database: ShardDatabase, operator: psycopg.Connection[Any]
) -> None:
    wakeup = Wakeup(database)
    notifier = Notifier(database)
    projector = Projector(database, Tally(), wakeup=wakeup)
    async with Background([*projector.workers()], first_wait_seconds=0.01):
        for turn in range(1, 4):
            await append(store, "s", 2)
            await append(store, f"t{turn}")
            notifier()
            await until(lambda: rows(operator) == truth(operator), "the read model to catch up")
    assert rows(operator)["s"] == (6, 18, 6)
    await notifier.close()


async def test_events_that_come_again_with_a_new_place_change_nothing(
    store: EventStore, database: ShardDatabase, operator: psycopg.Connection[Any]
) -> None:
    projector = Projector(database, Tally(), limit=3)
    await begin(projector)
    await append(store, "s", 8)
    await append(store, "t", 4)
    await projector.serve_page()
    bring_again(operator, ["s"])
    await append(store, "s", 2)
    await catch_up(projector)
    bring_again(operator, ["s", "t"], seed=1)
    await catch_up(projector)
    assert rows(operator) == truth(operator) == {"s": (10, 30, 10), "t": (4, 12, 4)}


async def test_of_two_processes_at_one_page_one_applies_it(
    store: EventStore, database: ShardDatabase, operator: psycopg.Connection[Any]
) -> None:
    first, second = Projector(database, Tally(), limit=2), Projector(database, Tally(), limit=2)
    await begin(first)
    for number in range(20):
        await append(store, f"s{number % 3}")
    await asyncio.gather(catch_up(first), catch_up(second))
    assert rows(operator) == truth(operator)


async def test_an_error_of_a_projection_leaves_model_and_place_as_they_were(
    store: EventStore, database: ShardDatabase, operator: psycopg.Connection[Any]
) -> None:
    class Failing(Tally):
        async def apply(self, connection: Connection, events: Sequence[StoredEvent], *, generation: int) -> None:
            await super().apply(connection, events, generation=generation)
            raise ArithmeticError

    await begin(Projector(database, Tally()))
    await append(store, "s", 5)
    with pytest.raises(ArithmeticError):
        await Projector(database, Failing()).serve_page()
    assert rows(operator) == {}
    assert operator.execute("select count(*) from projection_checkpoints").fetchone() == (0,)
    await catch_up(Projector(database, Tally()))
    assert rows(operator) == truth(operator)


async def test_a_gap_is_waited_for(
    store: EventStore, database: ShardDatabase, operator: psycopg.Connection[Any]
) -> None:
    projector = Projector(database, Tally())
    await begin(projector)
    await append(store, "s", 3)
    with operator.transaction():
        operator.execute("create temporary table first as select * from events where version = 1")
        operator.execute("update slots set state = 'left' where slot = 7")
        operator.execute("delete from events where version = 1")
        operator.execute("update slots set state = 'owned' where slot = 7")
    with pytest.raises(GapInStream):
        await projector.serve_page()
    operator.execute("insert into events select * from first")
    await catch_up(projector)
    assert rows(operator) == truth(operator)


async def test_a_new_generation_is_built_beside_the_old_one_and_replaces_it(
    store: EventStore, database: ShardDatabase, operator: psycopg.Connection[Any]
) -> None:
    projector = Projector(database, Tally(), limit=3)
    await begin(projector)
    await append(store, "s", 10)
    assert operator.execute("select archive_events('s', 5)").fetchone() == (0,)  # not closed
    await store.append(Append("closed", [NewEvent("Counted", {}, change=1)] * 5, slot=HERE, closes=True))
    await catch_up(projector)
    assert operator.execute("select archive_events('closed', 3)").fetchone() == (3,)
    assert await rebuild(database, "tally") == 2
    assert await rebuild(database, "tally") == 2

    serving = "select serving_generation('tally')"
    await projector.build_page()
    assert operator.execute(serving).fetchone() == (1,)
    assert rows(operator, 2)["s"] == (3, 9, 3)
    await append(store, "s", 4)
    await projector.serve_page()
    await projector.serve_page()
    # The old one has come further: it goes on serving until the new one has come as far.
    while operator.execute(serving).fetchone() == (1,):
        assert rows(operator, 1) == truth(operator)
        await projector.build_page()
    assert operator.execute(serving).fetchone() == (2,)
    assert rows(operator, 2) == truth(operator)
    await append(store, "s")
    await catch_up(projector)
    assert rows(operator, 2) == truth(operator)
    assert rows(operator, 1) == {}
    [(generations,)] = operator.execute("select array_agg(generation) from projection_generations")
    [(bookkept,)] = operator.execute("select array_agg(distinct generation) from projection_streams")
    assert generations == bookkept == [2]


async def test_a_generation_that_is_behind_does_not_serve(
    store: EventStore, database: ShardDatabase, operator: psycopg.Connection[Any]
) -> None:
    projector = Projector(database, Tally(), limit=2)
    await begin(projector)
    await append(store, "s", 4)
    await catch_up(projector)
    generation = await rebuild(database, "tally")
    for expected in (False, False, True):
        [(serves,)] = operator.execute("select serve_generation('tally', %s)", [generation])
        assert serves is expected
        await projector.build_page()
    assert operator.execute("select serve_generation('tally', 1)").fetchone() == (False,)


async def test_what_has_never_run_cannot_be_rebuilt(database: ShardDatabase) -> None:
    with pytest.raises(KeyError, match="no projection nothing has run on shard aws-0"):
        await rebuild(database, "nothing")


async def test_a_failing_generation_leaves_the_serving_one_alone(
    store: EventStore, database: ShardDatabase, operator: psycopg.Connection[Any]
) -> None:
    class FailsInTheSecond(Tally):
        async def apply(self, connection: Connection, events: Sequence[StoredEvent], *, generation: int) -> None:
            if generation == 2:
                raise ArithmeticError
            await super().apply(connection, events, generation=generation)

    projector = Projector(database, FailsInTheSecond(), poll_seconds=0.01)
    await begin(projector)
    await append(store, "s")
    await rebuild(database, "tally")
    async with Background(projector.workers(), first_wait_seconds=0.01) as background:
        await until(lambda: background.states["rebuilding tally of aws-0"].failures >= 3, "the third failure")
        await append(store, "s")
        await until(lambda: rows(operator) == truth(operator), "the read model to catch up")
        assert background.states["projection tally of aws-0"].failures == 0


async def test_the_lag_is_told_in_events_and_seconds(
    store: EventStore, database: ShardDatabase, operator: psycopg.Connection[Any]
) -> None:
    projector = Projector(database, Tally(), limit=4)
    await begin(projector)
    [lag] = await lags(database)
    assert lag == ("tally", 1, "serving", 0, 0.0)
    await append(store, "s", 10)
    await projector.serve_page()
    [lag] = await lags(database)
    assert (lag.events, lag.seconds > 0) == (6, True)
    assert (await lags(database, most=2))[0].events == 2
    await rebuild(database, "tally")
    assert [(each.state, each.events) for each in await lags(database)] == [("serving", 6), ("building", 10)]
    await catch_up(projector)
    assert [each[1:4] for each in await lags(database)] == [(2, "serving", 0)]


async def test_another_epoch_begins_at_the_start_and_drops_what_comes_again(
    store: EventStore, database: ShardDatabase, operator: psycopg.Connection[Any]
) -> None:
    projector = Projector(database, Tally(), limit=3)
    await begin(projector)
    await append(store, "s", 5)
    await catch_up(projector)
    operator.execute("update cluster_identity set epoch = epoch + 1")
    await append(store, "s", 2)
    assert [lag.events for lag in await lags(database)] == [7]
    await catch_up(projector)
    assert rows(operator) == truth(operator) == {"s": (7, 21, 7)}


async def test_what_was_dropped_since_it_was_read_is_not_applied(
    store: EventStore, database: ShardDatabase, operator: psycopg.Connection[Any]
) -> None:
    projector = Projector(database, Tally())
    await begin(projector)
    await append(store, "gone", 2)
    await append(store, "stays", 1)
    page = await Tail(database).page(START)
    with operator.transaction():
        operator.execute("update slots set state = 'left' where slot = 7")
        operator.execute("delete from events where stream = 'gone'")
        operator.execute("update slots set state = 'owned' where slot = 7")
    async with database.connection() as connection, connection.transaction():
        await projector._apply(connection, 1, page)
    assert rows(operator) == truth(operator) == {"stays": (1, 3, 1)}


OPERATIONS = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.sampled_from("abc"), st.integers(1, 5)),
        st.tuples(st.just("again"), st.sampled_from(["a", "b", "ab"]), st.integers(0, 999)),
        st.tuples(st.sampled_from(["serve", "build", "fail", "rebuild", "archive"])),
    ),
    max_size=25,
)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(operations=OPERATIONS, limit=st.integers(1, 7))
async def test_whatever_happens_the_model_ends_as_its_events_say(
    database: ShardDatabase, operator: psycopg.Connection[Any], operations: list[Any], limit: int
) -> None:
    operator.execute(FORGET)
    store = EventStore(database)
    projector = Projector(database, Tally(), limit=limit)
    await begin(projector)

    class Failing(Tally):
        async def apply(self, connection: Connection, events: Sequence[StoredEvent], *, generation: int) -> None:
            await super().apply(connection, events, generation=generation)
            raise ArithmeticError

    for name, *arguments in operations:
        match name:
            case "append":
                await append(store, *arguments)
            case "again":
                bring_again(operator, *arguments)
            case "serve":
                await projector.serve_page()
            case "build":
                await projector.build_page()
            case "fail":
                with contextlib.suppress(ArithmeticError):
                    await Projector(database, Failing(), limit=limit).serve_page()
            case "rebuild":
                await rebuild(database, "tally")
    await catch_up(projector)
    [(generation,)] = operator.execute("select serving_generation('tally')")
    assert rows(operator, generation) == truth(operator)


@contextlib.asynccontextmanager
async def running(directory: Path, *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process of its own that keeps the read model."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.app.projections.tally", str(directory), *arguments),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


@pytest.fixture
def directory(migrated_text: str, tmp_path: Path) -> Path:
    path = tmp_path / "directory.json"
    path.write_text(migrated_text)
    return path


async def line(process: asyncio.subprocess.Process) -> bytes:
    assert process.stdout is not None
    async with asyncio.timeout(60):
        return await process.stdout.readline()


async def test_a_process_killed_between_read_model_and_position_leaves_nothing_half_done(
    store: EventStore, database: ShardDatabase, operator: psycopg.Connection[Any], directory: Path
) -> None:
    await append(store, "s", 10)
    async with running(directory, "4", "stop") as process:
        assert await line(process) == b"started\n"
        assert await line(process) == b"stopped\n"
        process.kill()
        await process.wait()
    assert rows(operator) == {}
    assert operator.execute("select count(*) from projection_checkpoints").fetchone() == (0,)
    await catch_up(Projector(database, Tally(), limit=4))
    assert rows(operator) == truth(operator) == {"s": (10, 30, 10)}


async def test_processes_killed_anywhere_lose_and_double_nothing(
    store: EventStore, database: ShardDatabase, operator: psycopg.Connection[Any], directory: Path
) -> None:
    await asyncio.gather(*(append(store, f"s{number % 50}", 20) for number in range(100)))
    chance = random.Random(5)
    done = 0
    for _ in range(4):
        async with running(directory, "10") as process:
            assert await line(process) == b"started\n"
            goal = done + chance.randint(20, 200)
            async with asyncio.timeout(60):
                while (done := sum(row[0] for row in rows(operator).values())) < min(goal, 2000):
                    await asyncio.sleep(0.001)
            process.kill()
            await process.wait()
    assert all(row[0] == row[2] for row in rows(operator).values())
    await catch_up(Projector(database, Tally()))
    assert rows(operator) == truth(operator)


async def test_a_killed_server_loses_and_doubles_nothing(
    store: EventStore, database: ShardDatabase, operator: psycopg.Connection[Any], postgres: Postgres
) -> None:
    await begin(Projector(database, Tally()))
    await asyncio.gather(*(append(store, f"s{number % 50}", 20) for number in range(100)))
    projector = Projector(database, Tally(), limit=10, poll_seconds=0.05)
    async with Background(projector.workers(), first_wait_seconds=0.02, longest_wait_seconds=0.2):
        await until(lambda: len(rows(operator)) >= 10, "ten streams in the read model", poll_seconds=0.001)
        await asyncio.to_thread(postgres.kill)
        await asyncio.to_thread(postgres.start)
        with postgres.as_operator(database.shard.database) as again:
            async with asyncio.timeout(120):
                while rows(again) != truth(again):
                    assert all(row[0] == row[2] for row in rows(again).values())
                    await asyncio.sleep(0.005)
            assert sum(row[0] for row in rows(again).values()) == 2000
