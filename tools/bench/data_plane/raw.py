"""Bounds: what the server does for bare statements that only store or read, with no event store around them."""

from __future__ import annotations

import contextlib
import os
import re
import struct
import subprocess
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import psycopg

from tools.bench.data_plane.databases import PEERS, BenchDatabases
from tools.bench.data_plane.ours import STATE
from tools.bench.data_plane.server import ADMIN, Connection, tool
from tools.bench.data_plane.worker_pool import Work
from tools.bench.slices import lengthen

SQL = Path(__file__).parent / "sql"
COLUMNS = "stream, version, slot, schema_version, change, total, type, data, metadata"
INSERT = (SQL / "bare_insert.sql").read_text()
COPY = f"copy like_ours ({COLUMNS}) from stdin (format binary)"
COPY_FORMS = (None, "!q", "!h", "!h", "!q", "!q", None, None, None)
"""Binary formats of the columns; None: text."""
PIECE_BYTES = 100_000
CLIENTS = 64
THREADS = 2

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


def commits_per_second(bench: BenchDatabases, script: str, seconds: float, *, encrypted: bool = True) -> float:
    """Return the rate of `sql/pgbench_<script>.sql` by 64 clients with prepared statements, time to connect left out.

    On a busy machine a short slice can end before the first of 64 TLS connections has committed: it is lengthened.
    """
    server = bench.server
    tls = server.environment(ADMIN) if encrypted else {"PGSSLMODE": "disable"}

    def rate(slice_seconds: float) -> float:
        command = [
            *(tool("pgbench"), "--no-vacuum", "--protocol=prepared", f"--client={CLIENTS}", f"--jobs={THREADS}"),
            *(f"--time={max(1, round(slice_seconds))}", f"--file={SQL / f'pgbench_{script}.sql'}"),
            *("-h", server.address, "-p", str(server.port), "-U", ADMIN, PEERS),
        ]
        printed = subprocess.run(command, check=True, capture_output=True, text=True, env=os.environ | tls).stdout
        found = re.search(r"^tps = ([\d.]+)", printed, re.MULTILINE)
        return float(found[1]) if found else 0.0

    return lengthen(rate, seconds)
