"""Workers beside the requests: restarted when they fail, stopped with the application, one leader per shard."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest
from psycopg import AsyncConnection
from psycopg.conninfo import make_conninfo

from app.background import Background, Worker, with_leadership
from app.database.leadership import LeadershipLost, Leaderships, lock_key
from app.tasks import cancel_and_wait
from app.topology import Directory, Shard
from tests.app.conftest import Postgres
from tests.waiting import until


def impatient(*workers: Worker, healthy_seconds: float = 30) -> Background:
    return Background(workers, first_wait_seconds=0.001, longest_wait_seconds=0.01, healthy_seconds=healthy_seconds)


async def forever() -> None:
    await asyncio.Event().wait()


async def test_a_failed_worker_runs_again_and_its_failures_are_counted() -> None:
    runs = 0

    async def fail_twice() -> None:
        nonlocal runs
        runs += 1
        if runs <= 2:
            raise OSError(f"failure {runs}")
        await asyncio.Event().wait()

    async with impatient(Worker("tail", fail_twice)) as background:
        await until(lambda: runs == 3, "the third run")
        state = background.states["tail"]
        assert (state.running, state.failures, state.error) == (True, 2, "OSError: failure 2")
    assert not background.states["tail"].running


async def test_a_failure_of_one_worker_leaves_the_others_alone() -> None:
    cancelled = asyncio.Event()

    async def calm() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    async def broken() -> None:
        raise ValueError

    async with impatient(Worker("calm", calm), Worker("broken", broken)) as background:
        await until(lambda: background.states["broken"].failures >= 3, "the third failure")
        assert background.states["calm"].running
        assert background.states["calm"].failures == 0
        assert not cancelled.is_set()
    assert cancelled.is_set()


async def test_a_worker_that_is_done_is_not_started_again() -> None:
    runs = []

    async def once() -> None:
        runs.append(1)

    async with impatient(Worker("once", once)) as background:
        await until(lambda: runs and not background.states["once"].running, "the end of the run")
        await asyncio.sleep(0)
    assert runs == [1]


async def test_long_waits_end_with_a_healthy_run() -> None:
    failures = 0

    async def fail() -> None:
        nonlocal failures
        failures += 1
        await asyncio.sleep(0)
        raise OSError

    # with a growing wait it would stand still at the second failure
    patient = Background([Worker("w", fail)], first_wait_seconds=1000, longest_wait_seconds=1000, healthy_seconds=0)
    async with patient:
        await until(lambda: failures > 10, "more than ten failures")


async def test_two_workers_of_one_name_are_refused() -> None:
    async def wait() -> None:
        await asyncio.Event().wait()

    async with impatient(Worker("w", wait)) as background:
        with pytest.raises(ValueError, match="a worker named w runs already"):
            background.start(Worker("w", wait))


class Operator:
    """A shard's database, as far as leadership needs it."""

    def __init__(self, postgres: Postgres, shard: Shard) -> None:
        self.shard = shard
        with postgres.as_operator(shard.database) as connection:
            self._conninfo = make_conninfo(**connection.info.get_parameters())
        self.connections: list[AsyncConnection[Any]] = []

    @contextlib.asynccontextmanager
    async def dedicated(self) -> AsyncIterator[AsyncConnection[Any]]:
        async with await AsyncConnection.connect(self._conninfo, autocommit=True) as connection:
            self.connections.append(connection)
            try:
                yield connection
            finally:
                self.connections.remove(connection)


@pytest.fixture
def database(answering: Postgres, migrated: Directory) -> Operator:
    return Operator(answering, migrated.shards[0])


def holder(postgres: Postgres, database: Operator, name: str) -> list[int]:
    with postgres.as_operator(database.shard.database) as connection:
        found = connection.execute(
            "select pid from pg_locks where locktype = 'advisory' and classid = 2 and objid = %s and granted",
            [lock_key(name) % 2**32],
        )
        return [pid for (pid,) in found]


@pytest.mark.servers
async def test_one_leads_and_the_next_takes_over_when_its_holder_dies(answering: Postgres, database: Operator) -> None:
    leading: list[str] = []

    def contender(name: str) -> Worker:
        async def run() -> None:
            leading.append(name)
            try:
                await asyncio.Event().wait()
            finally:
                leading.remove(name)

        return with_leadership(Leaderships(database), Worker("projection", run))

    async with impatient(contender("a")) as first, impatient(contender("b")):
        await until(lambda: leading, "a leader")
        [pid] = holder(answering, database, "projection")
        assert len(leading) == 1
        with answering.as_operator("postgres") as connection:
            connection.execute("select pg_terminate_backend(%s)", [pid])
        await until(
            lambda: holder(answering, database, "projection") not in ([], [pid]) and len(leading) == 1, "another leader"
        )
        await first.stop()
        await until(lambda: leading == ["b"], "b to lead")
    assert leading == []
    assert holder(answering, database, "projection") == []


@pytest.mark.servers
async def test_the_work_of_a_leader_ends_with_its_connection(answering: Postgres, database: Operator) -> None:
    async def cut() -> None:
        with answering.as_operator("postgres") as connection:
            connection.execute("select pg_terminate_backend(%s)", holder(answering, database, "w"))
        await asyncio.Event().wait()

    with pytest.raises(LeadershipLost, match="aws-0"):
        await Leaderships(database, ask_seconds=0.01).lead("w", cut)


@pytest.mark.servers
async def test_an_error_of_the_work_is_its_own(database: Operator) -> None:
    for error in (TimeoutError("mine"), psycopg.OperationalError("mine")):

        async def fail(error: Exception = error) -> None:
            raise error

        with pytest.raises(type(error), match="mine"):
            await Leaderships(database, ask_seconds=0.01).lead("w", fail)
    assert database.connections == []


@pytest.mark.servers
async def test_who_waits_to_lead_holds_no_snapshot(answering: Postgres, database: Operator) -> None:
    async def wait() -> None:
        await asyncio.Event().wait()

    leaders = [asyncio.create_task(Leaderships(database).lead("w", wait)) for _ in range(2)]
    await until(
        lambda: len(database.connections) == 2 and holder(answering, database, "w"), "one to lead and one to wait"
    )
    [leading] = holder(answering, database, "w")
    [pid] = {connection.info.backend_pid for connection in database.connections} - {leading}
    with answering.as_operator("postgres") as connection:
        state = "select state, backend_xmin from pg_stat_activity where pid = %s and query like '%%pg_try%%'"
        await until(
            lambda: connection.execute(state, [pid]).fetchone() == ("idle", None), "the waiting connection to be idle"
        )
    await cancel_and_wait(leaders)
    await until(lambda: not holder(answering, database, "w"), "the release of the lock")


@pytest.mark.servers
async def test_all_leaderships_of_a_process_on_a_shard_share_one_connection(
    answering: Postgres, database: Operator
) -> None:
    leaderships = Leaderships(database)
    names = ["a", "b", "c"]
    async with impatient(*(with_leadership(leaderships, Worker(name, forever)) for name in names)):
        await until(lambda: all(holder(answering, database, name) for name in names), "a holder of every name")
        [connection] = database.connections
        held = {pid for name in names for pid in holder(answering, database, name)}
        assert held == {connection.info.backend_pid}
        with answering.as_operator("postgres") as operator:
            operator.execute("select pg_terminate_backend(%s)", [connection.info.backend_pid])
        await until(
            lambda: all({*holder(answering, database, name)} - held for name in names), "another holder of every name"
        )
        assert len(database.connections) == 1
    assert database.connections == []
    # The server frees the locks when it notices the end of the connection.
    await until(lambda: not any(holder(answering, database, name) for name in names), "the release of every lock")


@pytest.mark.servers
async def test_work_that_ends_gives_up_its_own_leadership_only(answering: Postgres, database: Operator) -> None:
    leaderships, done = Leaderships(database), asyncio.Event()

    async def until_done() -> None:
        await done.wait()

    stays = asyncio.create_task(leaderships.lead("stays", forever))
    goes = asyncio.create_task(leaderships.lead("goes", until_done))
    await until(
        lambda: holder(answering, database, "stays") and holder(answering, database, "goes"), "both leaderships"
    )
    done.set()
    await goes
    assert holder(answering, database, "goes") == []
    assert holder(answering, database, "stays") != []
    asks = asyncio.create_task(Leaderships(database, ask_seconds=0.01).lead("goes", forever))
    await until(lambda: holder(answering, database, "goes"), "another leader")
    waits = asyncio.create_task(leaderships.lead("goes", forever))
    await asyncio.sleep(0)
    await cancel_and_wait([waits])
    assert holder(answering, database, "stays") != []
    await cancel_and_wait([stays, asks])
    assert database.connections == []


@pytest.mark.servers
async def test_a_process_cannot_lead_a_name_twice(database: Operator) -> None:
    leaderships = Leaderships(database)
    first = asyncio.create_task(leaderships.lead("w", forever))
    await asyncio.sleep(0)
    with pytest.raises(ValueError, match="w is led twice by one process"):
        await leaderships.lead("w", forever)
    await cancel_and_wait([first])


async def test_a_task_that_swallows_its_cancellation_is_cancelled_again() -> None:
    heard = []

    async def deaf() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        heard.append(1)
        await asyncio.Event().wait()

    async with impatient(Worker("deaf", deaf)) as background:
        await until(lambda: background.states["deaf"].running, "the worker to run")
        await asyncio.sleep(0)
    assert heard == [1]
    assert not background.states["deaf"].running


async def test_ending_tasks_goes_on_when_it_is_cancelled() -> None:
    cleaned = asyncio.Event()

    async def slow() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await cleaned.wait()

    task = asyncio.create_task(slow())
    await asyncio.sleep(0)
    ending = asyncio.create_task(cancel_and_wait([task]))
    await asyncio.sleep(0)
    ending.cancel()
    await asyncio.sleep(0)
    assert not ending.done()
    cleaned.set()
    with pytest.raises(asyncio.CancelledError):
        await ending
    assert task.done()
