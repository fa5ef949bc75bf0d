"""Bounds: what the server does for bare statements that only store or read, with no event store around them."""

from __future__ import annotations

import contextlib
import struct
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import psycopg

from tools.bench.data_plane.databases import BenchDatabases
from tools.bench.data_plane.payload import STATE
from tools.bench.data_plane.server import Connection
from tools.bench.data_plane.worker_pool import Work

SQL = Path(__file__).parent / "sql"
COLUMNS = "stream, version, slot, schema_version, change, total, type, data, metadata"
INSERT = (SQL / "bare_insert.sql").read_text()
COPY = f"copy like_ours ({COLUMNS}) from stdin (format binary)"
COPY_FORMS = (None, "!q", "!h", "!h", "!q", "!q", None, None, None)
"""How the columns are packed; None: as text."""
PIECE_BYTES = 100_000

Row = tuple[Any, ...]


def make_tables(bench: BenchDatabases) -> None:
    """Empty tables in the peers' database: one with the columns, partitions and indexes of our events, one minimal."""
    with psycopg.connect(autocommit=True, **bench.peers) as connection:
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


def encoded(values: Iterable[Row]) -> list[bytes]:
    """Rows as a binary COPY has them (PostgreSQL's manual, COPY, Binary Format), in large pieces."""
    pieces = [b"PGCOPY\n\xff\r\n\0" + bytes(8)]
    gathered = bytearray()
    for row in values:
        gathered += struct.pack("!h", len(row))
        for value, form in zip(row, COPY_FORMS, strict=True):
            field = value.encode() if form is None else struct.pack(form, value)
            gathered += struct.pack("!i", len(field)) + field
        if len(gathered) > PIECE_BYTES:
            pieces.append(bytes(gathered))
            gathered.clear()
    return [*pieces, bytes(gathered), b"\xff\xff"]


def copy(connection: Connection, pieces: Sequence[bytes]) -> None:
    """One COPY in one transaction."""
    with connection.cursor() as cursor, cursor.copy(COPY) as copying:
        for piece in pieces:
            copying.write(piece)
