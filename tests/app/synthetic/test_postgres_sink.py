"""Data goes into tables by COPY, all of it or none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from app.synthetic import DataSet, parse_schema
from app.synthetic.errors import CannotWrite, ImpossibleParameters
from app.synthetic.sinks.postgres import Connection, copy_into
from tests.app.conftest import Postgres, make_database

pytestmark = pytest.mark.servers

TEXT = """
name: everything
fields:
  id: uuid
  plan: {kind: choice, values: ['with "quotes"', "a,b", "", "\\\\N", plain], nulls: 0.2}
  active: {kind: boolean, nulls: 0.1}
  visits: {kind: number.poisson, mean: 3, nulls: 0.1}
  spend: {kind: number.lognormal, median: 40, sigma: 1, nulls: 0.1}
  born: {kind: date, start: 1940-01-01, end: 2007-12-31, nulls: 0.1}
  joined: {kind: timestamp, start: 2020-01-01, end: 2026-01-01, nulls: 0.1}
"""
EVERYTHING = parse_schema(TEXT)
DATA = DataSet(EVERYTHING, 3000, seed=3, chunk_rows=700)


@contextmanager
def new_database(server: Postgres) -> Iterator[Connection]:
    name = make_database(server, "synthetic")
    with server.as_operator(name) as connection:
        yield connection
    with server.as_operator("postgres") as connection:
        connection.execute(f"drop database {name} with (force)")


@pytest.fixture
def connection(answering: Postgres) -> Iterator[Connection]:
    with new_database(answering) as connection:
        yield connection


@pytest.fixture
def second(answering: Postgres) -> Iterator[Connection]:
    with new_database(answering) as connection:
        yield connection


def rows_of(connection: Connection, table: str) -> list[dict[str, Any]]:
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(f"select * from {table}").fetchall()  # type: ignore[call-overload, no-any-return]


def test_a_table_is_made_and_holds_every_record(connection: Connection) -> None:
    told: list[int] = []
    assert copy_into([connection], "people", DATA, told.append) > 100_000
    assert rows_of(connection, "people") == list(DATA.dicts())
    assert told == [700, 1400, 2100, 2800, 3000]


def test_a_table_that_is_there_keeps_its_types_and_its_rows(connection: Connection) -> None:
    connection.execute("create schema demo")
    connection.execute(
        "create table demo.people (joined timestamptz, id uuid primary key, spend numeric, born date, plan text,"
        " visits smallint, active boolean, noted timestamptz default now())"
    )
    copy_into([connection], "demo.people", DATA)
    copy_into([connection], "demo.people", DataSet(EVERYTHING, 100, seed=4))
    rows = rows_of(connection, "demo.people")
    assert len(rows) == 3100
    assert [str(row["id"]) for row in rows[:3000]] == [row["id"] for row in DATA.dicts()]
    assert all(row["noted"] for row in rows)


def test_records_are_shared_out_among_databases(connection: Connection, second: Connection) -> None:
    copy_into([connection, second], "people", DATA)
    expected = list(DATA.dicts())
    assert rows_of(connection, "people") == expected[:700] + expected[1400:2100] + expected[2800:]
    assert rows_of(second, "people") == expected[700:1400] + expected[2100:2800]


FEW = "name: few\nfields: {id: uuid, visits: {kind: number.poisson, mean: 3}}"


def test_a_record_that_the_table_refuses_keeps_all_others_out(connection: Connection) -> None:
    connection.execute("create table people (id uuid, visits int check (visits < 9))")
    with pytest.raises(CannotWrite, match='table people: could not be loaded: new row for relation "people" violates'):
        copy_into([connection], "people", DataSet(parse_schema(FEW), 20_000, seed=1, chunk_rows=100))
    assert rows_of(connection, "people") == []
    copy_into([connection], "people", DataSet(parse_schema(FEW), 10, seed=1))
    assert len(rows_of(connection, "people")) == 10


def test_a_column_that_fails_leaves_no_table(connection: Connection) -> None:
    broken = parse_schema(TEXT + "  seen: {kind: timestamp.after, field: visits, mean_days: 1}")
    with pytest.raises(ImpossibleParameters, match="field visits holds no time"):
        copy_into([connection], "people", DataSet(broken, 1000, seed=1))
    assert connection.execute("select to_regclass('people')").fetchone() == (None,)


def test_a_database_that_fails_takes_back_the_shares_of_others(connection: Connection, second: Connection) -> None:
    second.execute("create table people (id uuid, visits int check (visits < 0))")
    with pytest.raises(CannotWrite, match="violates check constraint"):
        copy_into([connection, second], "people", DataSet(parse_schema(FEW), 1000, seed=1, chunk_rows=10))
    assert rows_of(second, "people") == []
    assert connection.execute("select to_regclass('people')").fetchone() == (None,)


def test_a_table_with_other_columns_is_told(connection: Connection) -> None:
    connection.execute("create table people (number int)")
    with pytest.raises(CannotWrite, match='table people: could not be loaded: column "id" of relation "people" does'):
        copy_into([connection], "people", DATA)


def test_a_name_is_never_read_as_a_statement(connection: Connection) -> None:
    name = 'x"; drop table y; --'
    copy_into([connection], name, DataSet(parse_schema("name: x\nfields: {'a\" b': sequence}"), 3, seed=1))
    assert connection.execute(psycopg.sql.SQL("select * from {}").format(psycopg.sql.Identifier(name))).fetchall() == [
        (1,),
        (2,),
        (3,),
    ]
