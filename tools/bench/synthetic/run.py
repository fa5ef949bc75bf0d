"""The rows of synthetic data, each by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from tools.bench.measurement import Recorder, attempted
from tools.bench.synthetic import chains, places, records, streaming

Row = Callable[[Recorder], None]

ROWS: Mapping[str, Sequence[Row]] = {
    "records": records.ROWS,
    "columns": records.COLUMNS,
    "chains": chains.ROWS,
    "places": places.ROWS,
    "streams": streaming.ROWS,
}
"""Rows by the name on the command line."""
ON_DEMAND: Mapping[str, Sequence[Row]] = {"whole-streams": streaming.ALL_ROWS}
"""Rows that take minutes; measured only if named."""


def measure(chosen: Sequence[str], recorder: Recorder) -> None:
    """Take the rows of these groups."""
    known = {**ROWS, **ON_DEMAND}
    for group in chosen:
        for row in known[group]:
            with attempted(recorder, group, row):
                row(recorder)
