"""Whole customers, with a note of 16 words, as dicts: ours against Mimesis and Faker building the same fields."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from itertools import count

from app.synthetic import DataSet, schema_named
from tools.bench.measurement import Floor, Recorder
from tools.bench.synthetic import faker_peer, mimesis_peer
from tools.bench.synthetic.peers import Peer
from tools.bench.synthetic.sides import Side, compare

OURS = 1 << 16
BY_MIMESIS = 4000
BY_FAKER = 2500
"""Records of a slice: about a third of a second on either side."""
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


ROWS = (against_mimesis, against_faker)


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
