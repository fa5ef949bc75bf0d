"""A shard with a table for the read model of the tests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import psycopg
import pytest

from app.database import ShardDatabase
from app.events import EventStore
from app.topology import Directory
from tests.app.conftest import Postgres, opened_database

from .tally import TABLE


@pytest.fixture
def operator(answering: Postgres, migrated: Directory) -> Iterator[psycopg.Connection[Any]]:
    name = migrated.shards[0].database
    with answering.as_operator(name) as connection:
        connection.execute(TABLE)
    with answering.as_operator(name) as connection:
        yield connection
    answering.revive()
    with answering.as_operator(name) as connection:
        connection.execute("drop table tally")


@pytest.fixture
async def database(migrated: Directory, operator: psycopg.Connection[Any]) -> AsyncIterator[ShardDatabase]:
    async with opened_database(migrated, seconds=20) as database:
        yield database


@pytest.fixture
def store(database: ShardDatabase) -> EventStore:
    return EventStore(database)
