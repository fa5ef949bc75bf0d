"""Statements that are run without a cursor: values, rows, errors and the socket are as a cursor would leave them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from psycopg.errors import DivisionByZero, UndefinedTable

from app.database import ShardDatabase, prepared
from app.database.greedy_connection import GreedyConnection
from app.topology import Directory
from tests.waiting import until

from .conftest import Postgres

pytestmark = pytest.mark.servers

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
VALUES: list[tuple[str, Any]] = [
    ("text", "ä ☃ 'quoted' %(x)s $1"),
    ("text", None),
    ("bigint", 1),
    ("bigint", 70_000),
    ("bigint", 2**40),
    ("boolean", True),
    ("timestamptz", NOON),
    ("text[]", ["a", None, "b"]),
    ("bytea", b"\x00\xff"),
]
DOUBLED = "select %(number)s::int * 2"


@pytest.fixture
async def database(migrated: Directory) -> AsyncIterator[ShardDatabase]:
    """One with a single connection, so that it is the same one all the time."""
    database = ShardDatabase(migrated.shards[0], size=1, kept=1, seconds=20.0)
    await database.open()
    yield database
    await database.close()


async def connection(database: ShardDatabase) -> GreedyConnection:
    await database.rows("select 1", {})
    kept = database._cache._kept
    assert kept is not None
    return kept.connection


@pytest.mark.parametrize(("kind", "value"), VALUES)
async def test_values_come_back_as_a_cursor_gives_them(database: ShardDatabase, kind: str, value: Any) -> None:
    text = f"select %(b)s::text, %(a)s::{kind}, %(a)s::{kind} is null, '%%' where %(b)s = 'there'"
    given = {"a": value, "b": "there", "unused": object()}
    for _ in range(2):  # once prepared, once as it was prepared
        rows = await database.rows(text, given)
        assert rows == [("there", value, value is None, "%")]
    async with database.connection() as other:
        cursor = await other.execute(text, given, binary=True)
        assert await cursor.fetchall() == rows


async def test_one_statement_takes_integers_of_every_size(database: ShardDatabase) -> None:
    for number in (1, 40_000, 2**40, None, 1):
        assert await database.rows("select %(n)s + 0::bigint", {"n": number}) == [(number,)]


async def test_a_statement_is_prepared_once(database: ShardDatabase) -> None:
    names = "select name from pg_prepared_statements where name like 'fortress%%' order by 1"
    for number in range(10):
        assert await database.rows(DOUBLED, {"number": number}) == [(2 * number,)]
    assert len(await database.rows(names, {})) == 2


async def test_few_statements_stay_prepared(database: ShardDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prepared, "MOST_PREPARED", 3)
    names = "select statement from pg_prepared_statements where name like 'fortress%%'"
    for _ in range(2):
        for number in range(5):
            assert await database.rows(f"select {number}", {}) == [(number,)]
            assert len(await database.rows(names, {})) <= 3


@pytest.mark.parametrize(
    ("statement", "error"),
    [("select 1 / %(zero)s::int", DivisionByZero), ("select %(zero)s::int from nowhere", UndefinedTable)],
    ids=["when it is run", "when it is prepared"],
)
async def test_an_error_is_psycopgs_and_the_connection_works_on(
    database: ShardDatabase, statement: str, error: type[Exception]
) -> None:
    before = await connection(database)
    for _ in range(2):
        with pytest.raises(error):
            await database.rows(statement, {"zero": 0})
        assert await database.rows(DOUBLED, {"number": 2}) == [(4,)]
    assert await connection(database) is before


async def test_what_is_larger_than_the_socket_takes_goes_and_comes_whole(database: ShardDatabase) -> None:
    text = "0123456789" * 3_000_000
    assert await database.rows("select %(text)s", {"text": text}) == [(text,)]
    assert await database.rows(DOUBLED, {"number": 1}) == [(2,)]


async def test_many_rows_leave_others_their_turn(database: ShardDatabase) -> None:
    reading = asyncio.create_task(database.rows("select g, repeat('x', 100) from generate_series(1, 100000) g", {}))
    turns = 0
    while not reading.done():
        turns += 1
        await asyncio.sleep(0)
    rows = await reading
    assert [row[0] for row in rows] == list(range(1, 100_001))
    assert turns > 10


async def test_cancelling_the_caller_cancels_the_statement(database: ShardDatabase, migrated: Directory) -> None:
    held = await connection(database)
    sleeping = asyncio.create_task(database.rows("select pg_sleep(600)", {}))
    await asyncio.sleep(0.05)
    sleeping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sleeping
    assert await database.rows(DOUBLED, {"number": 3}) == [(6,)]
    assert await connection(database) is held
    running = "select count(*) from pg_stat_activity where query like '%%pg_sleep(600)%%' and state = 'active'"
    assert await database.rows(running + " and pid <> pg_backend_pid()", {}) == [(0,)]


async def test_a_connection_that_ends_while_it_rests_is_not_watched_for_ever(
    database: ShardDatabase, answering: Postgres
) -> None:
    held = await connection(database)
    [(lost,)] = await database.rows("select pg_backend_pid()", {})
    arrival = held.statements._arrival
    assert arrival._loop is not None
    with answering.as_operator("postgres") as operator:
        operator.execute("select pg_terminate_backend(%s, 5000)", [lost])
    await until(lambda: arrival._loop is None, "the end of the watch", poll_seconds=0)
    assert await database.rows(DOUBLED, {"number": 4}) == [(8,)]


async def test_cursors_and_statements_take_turns_on_one_connection(database: ShardDatabase) -> None:
    for number in range(3):
        assert await database.rows(DOUBLED, {"number": number}) == [(2 * number,)]
        async with database.connection() as other:
            cursor = await other.execute(DOUBLED, {"number": number})
            assert await cursor.fetchone() == (2 * number,)


async def test_statements_are_prepared_again_after_a_cursor_rolls_back(database: ShardDatabase) -> None:
    assert await database.rows(DOUBLED, {"number": 1}) == [(2,)]
    async with database.connection() as other:
        await other.execute("begin")
        await other.execute("rollback")
    assert await database.rows(DOUBLED, {"number": 5}) == [(10,)]
    async with database.connection() as other:
        await other.execute("deallocate all")
    assert await database.rows(DOUBLED, {"number": 2}) == [(4,)]
    assert await database.rows(DOUBLED, {"number": 3}) == [(6,)]
