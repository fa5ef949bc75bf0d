"""The log as text: JSON, a line a record, and what is done about a line that was not written to its end."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

from pydantic import TypeAdapter, ValidationError

from policies.watch.records import Record, TruncatedRecord

_RECORD: TypeAdapter[Record] = TypeAdapter(Record)
NEWLINE = b"\n"


class BrokenLog(Exception):
    """A line in the midst of the log is no record; names the line."""


def render_record(record: Record) -> bytes:
    """Return the record as one line, with its end."""
    return record.model_dump_json(by_alias=True).encode() + NEWLINE


def mark_truncated(at: datetime.datetime) -> bytes:
    """Return what marks a truncated line, so that nothing is ever removed from a log."""
    return NEWLINE + render_record(TruncatedRecord(at=at))


def parse_records(content: bytes) -> Iterator[Record]:
    """Yield the records but a truncated last line and those marked as truncated; raises BrokenLog.

    No part of a JSON object is one itself, so an unfinished line is never taken for a whole one.
    """
    broken: int | None = None
    *lines, _ = content.split(NEWLINE)
    for number, line in enumerate(lines, start=1):
        record = _read(line)
        if record is None:
            broken = broken or number
            continue
        if broken and not isinstance(record, TruncatedRecord):
            raise BrokenLog(f"line {broken} is no record of a watch")
        broken = None
        yield record


def is_truncated(content: bytes) -> bool:
    """Tell whether the log ends in a line that was not written to its end."""
    if not content:
        return False
    *lines, rest = content.split(NEWLINE)
    return bool(rest) or _read(lines[-1]) is None


def _read(line: bytes) -> Record | None:
    try:
        return _RECORD.validate_json(line)
    except ValidationError:
        return None
