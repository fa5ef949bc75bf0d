"""Connections to a shard: one is at hand for who comes alone, and nobody waits for one that nobody uses."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from app.database import DatabaseUnavailable, ShardDatabase, connection_cache
from app.tasks import TimeLimit
from app.topology import Directory
from tests.waiting import until

from .conftest import Postgres

PID = "select pg_backend_pid()"


class TestTimeLimit:
    """As asyncio's own, but for its price."""

    async def test_what_takes_too_long_is_ended(self) -> None:
        with pytest.raises(TimeoutError), TimeLimit(0.01):
            await asyncio.Event().wait()
        task = asyncio.current_task()
        assert task is not None
        assert task.cancelling() == 0

    async def test_what_is_quick_enough_is_left_alone(self) -> None:
        with TimeLimit(0.01):
            await asyncio.sleep(0)
        await asyncio.sleep(0.03)

    async def test_an_error_inside_stays_what_it_is(self) -> None:
        with pytest.raises(KeyError), TimeLimit(10):
            raise KeyError

    async def test_somebody_elses_cancellation_is_not_a_timeout(self) -> None:
        async def wait() -> None:
            with TimeLimit(10):
                await asyncio.Event().wait()

        waiting = asyncio.create_task(wait())
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    async def test_a_cancellation_that_comes_with_the_timeout_is_not_swallowed(self) -> None:
        async def wait() -> None:
            with TimeLimit(0):
                waiting.cancel()
                await asyncio.Event().wait()

        waiting = asyncio.create_task(wait())
        with pytest.raises(asyncio.CancelledError):
            await waiting

    async def test_an_inner_limit_is_distinguished_from_an_outer_one(self) -> None:
        with TimeLimit(10):
            with pytest.raises(TimeoutError), TimeLimit(0.01):
                await asyncio.Event().wait()
            await asyncio.sleep(0)
        with pytest.raises(TimeoutError), TimeLimit(0.01), TimeLimit(10):
            await asyncio.Event().wait()


@pytest.fixture
async def alone(migrated: Directory) -> AsyncIterator[ShardDatabase]:
    """A database with a single connection."""
    database = ShardDatabase(migrated.shards[0], size=1, kept=1, seconds=5.0)
    await database.open()
    yield database
    await database.close()


async def pid(database: ShardDatabase) -> int:
    [(number,)] = await database.rows(PID, {})
    return int(number)


@pytest.mark.servers
class TestConnectionCache:
    """The connection that was used last."""

    async def test_who_comes_alone_does_not_ask_the_pool(self, alone: ShardDatabase) -> None:
        first = await pid(alone)
        asked = alone.statistics["requests_num"]
        assert {await pid(alone) for _ in range(5)} == {first}
        assert alone.statistics["requests_num"] == asked
        assert alone.statistics["pool_available"] == 1

    async def test_many_at_once_share_what_there_is(self, alone: ShardDatabase) -> None:
        assert len(set(await asyncio.gather(*(pid(alone) for _ in range(20))))) == 1

    async def test_a_connection_cache_is_there_for_transactions(self, alone: ShardDatabase) -> None:
        await pid(alone)
        async with alone.connection() as connection:
            assert alone.statistics["pool_available"] == 0
            waiting = asyncio.create_task(pid(alone))
            await asyncio.sleep(0)
            await connection.execute("select 1")
        assert await waiting

    async def test_a_transaction_waits_for_one_statement_and_not_for_all(self, alone: ShardDatabase) -> None:
        """Those that come one by one, without a pause, leave a gap."""
        stop = asyncio.Event()

        async def one_by_one() -> None:
            while not stop.is_set():
                await pid(alone)

        reading = asyncio.create_task(one_by_one())
        await asyncio.sleep(0.01)
        for _ in range(3):
            async with alone.connection() as connection:
                await connection.execute("select 1")
        stop.set()
        await reading

    async def test_a_transaction_that_a_statement_began_does_not_stay_cache(self, alone: ShardDatabase) -> None:
        await alone.rows("select 1", {})
        with pytest.raises(Exception, match="returns no rows"):
            await alone.rows_once("begin", {})
        first, second = [(await alone.rows("select now()", {}))[0][0] for _ in range(2)]
        assert first < second

    async def test_a_killed_connection_is_replaced(self, alone: ShardDatabase, answering: Postgres) -> None:
        lost = await pid(alone)
        with answering.as_operator("postgres") as connection:
            connection.execute("select pg_terminate_backend(%s, 5000)", [lost])
        assert await pid(alone) != lost

    async def test_a_statement_that_took_too_long_leaves_a_connection_that_works(self, alone: ShardDatabase) -> None:
        with pytest.raises(DatabaseUnavailable, match="no answer in time"):
            await alone.rows("select pg_sleep(60)", {}, seconds=0.05)
        assert await pid(alone)

    async def test_a_server_that_takes_no_writes_is_not_available_for_them(self, alone: ShardDatabase) -> None:
        await alone.rows("select set_config('default_transaction_read_only', 'on', false)", {})
        with pytest.raises(DatabaseUnavailable, match="read-only"):
            await alone.rows("create temp table t as select 1", {})
        assert await pid(alone)

    async def test_one_that_is_old_goes_through_the_pool(
        self, alone: ShardDatabase, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(connection_cache, "KEPT_SECONDS", -1.0)
        await pid(alone)
        asked = alone.statistics["requests_num"]
        await pid(alone)
        assert alone.statistics["requests_num"] == asked + 1

    async def test_rows_of_a_large_answer_are_not_kept_in_memory(self, alone: ShardDatabase) -> None:
        await alone.rows("select generate_series(1, 1000)", {})
        kept = alone._cache._kept
        assert kept is not None
        assert kept.connection.statements._transformer.pgresult is None

    async def test_a_closed_database_keeps_nothing(self, alone: ShardDatabase) -> None:
        await pid(alone)
        running = asyncio.create_task(alone.rows("select pg_sleep(0.1)", {}))
        await until(lambda: not alone._cache.idle, "the connection to be busy", poll_seconds=0.001)
        await alone.close()
        await running
        assert alone._cache.idle == 0
        with pytest.raises(DatabaseUnavailable):
            await alone.rows("select 1", {})
