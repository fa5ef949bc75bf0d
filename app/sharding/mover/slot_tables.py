"""Tables besides `events` whose rows belong to slots, and when a move copies those rows.

A table with slots is listed here and has its queries in `queries.sql`:

- `send_<table>`: COPY its rows out of the source, in binary format.
- `receive_<table>`: from `arriving_<table>`, a temporary table like it that the rows arrive in, into the table.
- `drop_<table>`: delete its rows of the slot `slot`. `streams` still holds the slot's streams then, except for tables
  that are NOT_COPIED: those are dropped last.

Their migration grants `select, insert, update, delete` on the table to `ledger_operator`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class CopyStrategy(Enum):
    """When a move copies the rows of a table."""

    WITH_STREAMS = "with streams"
    """With the events of their streams: for rows that change only in transactions that append to the stream. `send`
    gets the names `streams` and may run several times for a stream, so `receive` replaces older rows."""
    AT_THE_FLIP = "at the flip"
    """All rows of the slot at once while writers wait: for few rows that change independently. `send` and `receive` get
    `slot` and may run again after a flip that failed. A transaction that writes such rows must share the lock (1, slot)
    and then check that the slot is owned here, or its rows may be lost in the flip."""
    NOT_COPIED = "not copied"
    """A trigger on `events`, or a projection, creates the rows on the target. Only `drop` exists."""


@dataclass(frozen=True)
class SlotTable:
    """A table whose rows belong to slots."""

    table: str
    copied: CopyStrategy


SLOT_TABLES: tuple[SlotTable, ...] = (
    SlotTable("snapshots", CopyStrategy.WITH_STREAMS),
    SlotTable("subject_keys", CopyStrategy.AT_THE_FLIP),
    SlotTable("reservations", CopyStrategy.NOT_COPIED),
    SlotTable("statement_lines", CopyStrategy.NOT_COPIED),
)
