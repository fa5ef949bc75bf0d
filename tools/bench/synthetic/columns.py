"""Whole customers as columns of Arrow, on all cores."""

from __future__ import annotations

from itertools import count

from app.synthetic import DataSet, schema_named
from app.synthetic.generate import cores
from tools.bench.measurement import Floor, Recorder, Unbounded
from tools.bench.synthetic.sides import Side, repeated

RECORDS = 1_000_000
CORES = 2


def to_arrow(recorder: Recorder) -> None:
    """Customers as columns of Arrow, by two threads."""
    schema, seeds = schema_named("customers"), count()

    def work() -> int:
        return sum(batch.num_rows for batch in DataSet(schema, RECORDS, seed=next(seeds), workers=CORES).batches())

    by_processor, by_wall_clock = repeated(Side(work, int))
    recorder.take(
        "customers to Arrow, two threads (CPU)",
        Floor(1_000_000, "records/s"),
        [CORES * rate for rate in by_processor],
        note="records by second of processor time, times two: what two cores make that have nothing else to do, if the"
        " threads never wait for each other; judged by this, since the machine may have other work",
    )
    recorder.take(
        "customers to Arrow, two threads (wall-clock)",
        Unbounded("records/s"),
        by_wall_clock,
        note=f"on {cores()} cores, with whatever else they had to do",
    )


ROWS = (to_arrow,)
