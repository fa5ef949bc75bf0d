"""Bounds: what the server does for bare statements that only store or read, with no event store around them."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import psycopg

from tools.bench.data_plane.crew import Work
from tools.bench.data_plane.payload import STATE
from tools.bench.data_plane.server import Connection
from tools.bench.data_plane.world import World

SQL = Path(__file__).parent / "sql"
COLUMNS = "stream, version, slot, schema_version, change, total, type, data, metadata"
INSERT = (SQL / "bare_insert.sql").read_text()
COPY = f"copy like_ours ({COLUMNS}) from stdin (format binary)"
COPY_TYPES = ("text", "int8", "int2", "int2", "int8", "int8", "text", "json", "json")

Row = tuple[Any, ...]


def make_tables(world: World) -> None:
    """Empty tables in the peers' database: one with the columns, partitions and indexes of our events, one minimal."""
    with psycopg.connect(autocommit=True, **world.peers) as connection:
        for name in ("like_ours", "minimal"):
            connection.execute((SQL / f"{name}.sql").read_text())


def rows(stream: str, first: int, count: int) -> list[Row]:
    """Consecutive events of a stream."""
    text = STATE.decode()
    return [
        (stream, version, 1, 1, 100, 100 * version, "Granted", text, "{}") for version in range(first, first + count)
    ]


@contextlib.contextmanager
def inserter(parameters: dict[str, Any], batch: int, number: int) -> Iterator[Work[int]]:
    """Commits inserts of `batch` rows until the time is over; how many rows."""
    with psycopg.connect(autocommit=True, prepare_threshold=0, **parameters) as connection:
        started = time.time_ns()
        stored = 0

        def work(seconds: float) -> int:
            nonlocal stored
            before = stored
            end = time.perf_counter() + seconds
            while time.perf_counter() < end:
                stream = f"bare-{number}-{started}-{stored // batch % 100}"
                columns = list(zip(*rows(stream, stored + 1, batch), strict=True))
                connection.execute(INSERT, [list(column) for column in columns])
                stored += batch
            return stored - before

        yield work


def copy(connection: Connection, values: Sequence[Row]) -> None:
    """One COPY in one transaction."""
    with connection.cursor() as cursor, cursor.copy(COPY) as copying:
        copying.set_types(COPY_TYPES)
        for value in values:
            copying.write_row(value)
