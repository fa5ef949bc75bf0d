"""Whole customers: as dicts, against Mimesis and Faker building the same fields; and as columns of Arrow."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from itertools import count

from app.synthetic import DataSet, schema_named
from app.synthetic.generate import cores
from tools.bench.measurement import Floor, Recorder, Unbounded
from tools.bench.synthetic import faker_peer, mimesis_peer
from tools.bench.synthetic.peers import Peer
from tools.bench.synthetic.sides import Side, compare, repeated

OURS = 1 << 16
BY_MIMESIS = 4000
BY_FAKER = 2500
"""Records of a slice: about a third of a second on either side."""
RECORDS = 1_000_000
CORES = 2
NOTE = (
    "one thread on both sides; the peers' locales are made beforehand, and ours alone agree with one another: city,"
    " postcode, coordinates and telephone, name and mailbox"
)


def against_mimesis(recorder: Recorder) -> None:
    """Customers as dicts, against Mimesis."""
    _compare(recorder, "customers as dicts, against Mimesis", Floor(4, "x"), mimesis_peer.customers, BY_MIMESIS)


def against_faker(recorder: Recorder) -> None:
    """Customers as dicts, against Faker."""
    _compare(recorder, "customers as dicts, against Faker", Floor(30, "x"), faker_peer.customers, BY_FAKER)


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


ROWS = (against_mimesis, against_faker)
COLUMNS = (to_arrow,)


def _compare(recorder: Recorder, name: str, limit: Floor, peer: Callable[[int], Peer], records: int) -> None:
    schema, seeds = schema_named("customers"), count()
    record = peer(7)
    if list(record()) != schema.arrow.names:
        raise AssertionError(f"the fields are not the same: {list(record())}, {schema.arrow.names}")

    def ours() -> int:
        deque(DataSet(schema, OURS, seed=next(seeds), workers=1).dicts(), maxlen=0)
        return OURS

    def theirs() -> int:
        for _ in range(records):
            record()
        return records

    compare(recorder, name, limit, Side(ours, int), Side(theirs, int), unit="records/s", note=NOTE)
