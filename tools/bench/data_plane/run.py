"""The rows of the data plane; a row that fails is recorded as failed, and the next one starts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from tools.bench.data_plane import (
    append,
    bulk,
    costs,
    group_commit,
    http,
    moves,
    reads,
    replay,
    tail,
    transfers,
)
from tools.bench.data_plane.databases import BenchDatabases
from tools.bench.data_plane.server import running_server
from tools.bench.measurement import Recorder, attempted

Row = Callable[[BenchDatabases, Recorder], None]

ROWS: Mapping[str, Sequence[Row]] = {
    "append": append.ROWS,
    "group-commit": group_commit.ROWS,
    "replay": replay.ROWS,
    "import": bulk.ROWS,
    "tail": tail.ROWS,
    "costs": costs.ROWS,
    "reads": reads.ROWS,
    "http": http.ROWS,
    "transfers": transfers.ROWS,
    "moves": moves.ROWS,
    "placement": moves.PLACEMENT,
}
"""Rows by the name on the command line."""


def measure(chosen: Sequence[str], recorder: Recorder) -> None:
    """Take the rows of these groups, on one server."""
    with running_server() as server:
        bench = BenchDatabases(server)
        for group in chosen:
            for row in ROWS[group]:
                with attempted(recorder, group, row):
                    server.settle()
                    row(bench, recorder)
