"""Rows of events in PostgreSQL's binary COPY format (PostgreSQL manual, COPY, Binary Format).

A row has the columns of `import_events.sql`: `begin`, `numbers`, `key`, and three fields, type, data and metadata.
"""

from __future__ import annotations

import struct
from datetime import UTC, datetime, timedelta

HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
TRAILER = b"\xff\xff"

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
NO_KEY = struct.pack(">ii", -1, -1)
"""Neither an idempotency key nor a content hash."""
_COLUMNS = struct.pack(">h", 12)
length = struct.Struct(">i").pack
# Each number behind its length: version, slot, schema version, recorded_at, change, total.
_numbers = struct.Struct(">iqihihiqiqiq").pack
_key = struct.Struct(">i16siq").pack


def field(value: bytes) -> bytes:
    """Encode a text with its length."""
    return length(len(value)) + value


def begin(stream: str) -> bytes:
    """Encode the beginning that all rows of a stream share."""
    return _COLUMNS + field(stream.encode())


def key(digest: bytes, content: int) -> bytes:
    """Encode an idempotency key of 16 bytes, and the hash of what it stands for."""
    return _key(16, digest, 8, content)


def microseconds(at: datetime) -> int:
    """Return a time as PostgreSQL counts it: microseconds since 2000."""
    return (at - _EPOCH) // _MICROSECOND


def numbers(version: int, slot: int, schema_version: int, recorded_at: int, change: int, total: int) -> bytes:
    """Encode the columns in the middle of a row; raise struct.error where one is out of range."""
    return _numbers(8, version, 2, slot, 2, schema_version, 8, recorded_at, 8, change, 8, total)
