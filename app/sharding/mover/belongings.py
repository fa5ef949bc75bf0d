"""What belongs to a slot besides its events, and how it travels.

A table that belongs to slots is named here, and has its statements in `sql/belongings/`:

- `<table>.give.sql`: COPY of its rows out of the source, in binary format.
- `<table>.take.sql`: from `arriving_<table>` (a temporary table like it, which the rows land in) into it.
- `<table>.drop.sql`: deletes its rows of the slot `slot`; `streams` tells which streams those are, but for rows that
  travel by themselves: those are dropped last.

Their migration grants `select, insert, update, delete` on the table to `ledger_operator`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Travels(Enum):
    """When rows are copied."""

    WITH_STREAMS = "with streams"
    """With the events of their streams: for rows that change only in transactions that append to the stream.
    `give` gets the names `streams`; it may run several times for a stream, so `take` replaces what is older."""
    AT_THE_FLIP = "at the flip"
    """All rows of the slot at once while writers wait: for few rows that change by themselves. `give` and `take` get
    `slot`, and may run again after a try that did not lead to the flip. Who writes such rows shares the lock (1, slot)
    in that transaction, and then looks whether the slot is owned here: else what is written in the flip is lost."""
    BY_ITSELF = "by itself"
    """Not at all: a trigger on `events`, or a projection, makes the rows anew on the target. Only `drop` is there."""


@dataclass(frozen=True)
class Belonging:
    """A table whose rows belong to slots."""

    table: str
    travels: Travels


BELONGINGS: tuple[Belonging, ...] = (
    Belonging("snapshots", Travels.WITH_STREAMS),
    Belonging("subject_keys", Travels.AT_THE_FLIP),
    Belonging("reservations", Travels.BY_ITSELF),
    Belonging("statement_lines", Travels.BY_ITSELF),
)
