"""Appends as the database takes them: many in one call, each judged on its own."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from hashlib import blake2b
from itertools import accumulate
from typing import Any

import orjson
import xxhash

from app.events.errors import (
    BelowFloor,
    EventStoreError,
    InvalidEvent,
    KeyReused,
    Overdue,
    StreamClosed,
    TotalOutOfRange,
    VersionConflict,
    WrongEpoch,
)
from app.events.model import Appended, Json, NewEvent, NewSnapshot, Slot
from app.queries import query

LARGEST_EVENT_BYTES = 64 * 1024
"""Data and metadata of one event, as JSON."""
LARGEST_APPEND = 10_000
"""Events in one append."""
LONGEST_KEY = 255

_NAME = re.compile(r"[^\x00-\x1f\x7f]{1,255}")
_TYPE = re.compile(r"[A-Za-z][A-Za-z0-9_.:-]{0,99}")
_LOWEST, _HIGHEST = -(2**63), 2**63 - 1
_AS_TEXT = orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_DATETIME
_dumps = orjson.dumps

Row = tuple[int, str, int, int]
"""Number of the append from 1 on, outcome, version, total."""


@dataclass(frozen=True, slots=True)
class Append:
    """Events for the end of a stream, and the conditions under which they are stored: all of them or none.

    Raises InvalidEvent and TotalOutOfRange.
    """

    stream: str
    events: Sequence[NewEvent]
    slot: Slot
    expected_version: int | None = None
    """The stream must be at this version; without it the append is blind."""
    idempotency_key: str | None = None
    """The same key with the same `content` returns what the first append did."""
    content: bytes | None = None
    """What the key stands for; by default the types and the data of the events."""
    floor: int | None = None
    """The running total must not fall below this, as long as nothing in the stream was due before `now`."""
    due: datetime | None = None
    """When something in the stream ends: exact where the writer knows the stream at `expected_version`, else no later
    than what is recorded."""
    now: datetime | None = None
    snapshot: NewSnapshot | None = None
    closes: bool = False
    """Whether the stream takes no more events afterwards."""

    data: Sequence[str] = field(init=False, repr=False, compare=False)
    """Data of each event, as JSON."""
    metadata: Sequence[str] = field(init=False, repr=False, compare=False)
    key_hash: str | None = field(init=False, repr=False, compare=False)
    content_hash: int | None = field(init=False, repr=False, compare=False)
    stream_hash: int = field(init=False, repr=False, compare=False)
    """Signed, as a bigint is."""

    def __post_init__(self) -> None:
        _check(self)
        data = [_text(self.stream, event.data) for event in self.events]
        metadata = _texts_of_metadata(self.stream, self.events)
        if max(map(len, data)) + max(map(len, metadata)) > LARGEST_EVENT_BYTES // 4:
            for event, text, more in zip(self.events, data, metadata, strict=True):
                _check_size(event.type, text, more)
        key, content = None, None
        if self.idempotency_key is not None:
            key = key_hash(self.idempotency_key)
            content = content_hash(self.content if self.content is not None else _content(self.events, data))
        put = object.__setattr__
        put(self, "data", data)
        put(self, "metadata", metadata)
        put(self, "key_hash", key)
        put(self, "content_hash", content)
        put(self, "stream_hash", xxhash.xxh3_64_intdigest(self.stream.encode()) - 2**63)

    @property
    def order(self) -> tuple[int, str]:
        """Sort key of the order in which streams are locked."""
        return self.stream_hash, self.stream


def encode(appends: Sequence[Append]) -> tuple[str, Mapping[str, Any]]:
    """Return the query that stores these appends, and its parameters.

    Each stream may occur once, in the order of `Append.order`. An append that travels alone with one event takes a
    shorter way: a database function with an array of 18 texts, which costs the server less than 23 arrays.
    """
    if len(appends) == 1 and len(appends[0].events) == 1:
        return query("events.append_one"), parameters_of_one(appends[0])
    now = max((append.now for append in appends if append.now), default=None)
    return query("events.append"), parameters_of(appends, now)


def parameters_of(appends: Sequence[Append], now: datetime | None) -> Mapping[str, Any]:
    """Return the parameters of the query `append`: an array for each column, first of appends, then of events."""
    events = [event for append in appends for event in append.events]
    counts = [len(append.events) for append in appends]
    running = [list(accumulate([event.change for event in append.events])) for append in appends]
    snapshots = [append.snapshot for append in appends]
    return {
        "now": now,
        "streams": array([append.stream for append in appends]),
        "hashes": array([append.stream_hash for append in appends]),
        "slots": array([append.slot[0] for append in appends]),
        "epochs": array([append.slot[1] for append in appends]),
        "expected_versions": array([append.expected_version for append in appends]),
        "idempotency_keys": array([append.key_hash for append in appends]),
        "content_hashes": array([append.content_hash for append in appends]),
        "floors": array([append.floor for append in appends]),
        "dues": array([append.due for append in appends]),
        "closes": array([append.closes for append in appends]),
        "counts": array(counts),
        "sums": array([sums[-1] for sums in running]),
        "snapshot_schemas": array([kept and kept.schema_version for kept in snapshots]),
        "snapshots": array([kept and _text("a snapshot", kept.state) for kept in snapshots]),
        "requests": array([number for number, count in enumerate(counts, 1) for _ in range(count)]),
        "numbers": array([number for count in counts for number in range(1, count + 1)]),
        "types": array([event.type for event in events]),
        "schema_versions": array([event.schema_version for event in events]),
        "changes": array([event.change for event in events]),
        "running_sums": array([total for sums in running for total in sums]),
        "data": array([text for append in appends for text in append.data]),
        "metadata": array([text for append in appends for text in append.metadata]),
    }


def parameters_of_one(append: Append) -> Mapping[str, Any]:
    """Return the parameters of the query `append_one`, for an append of one event."""
    event, snapshot = append.events[0], append.snapshot
    fields = [
        *(append.now, append.stream, append.stream_hash, append.slot[0], append.slot[1]),
        *(append.expected_version, append.key_hash, append.content_hash, append.floor, append.due, append.closes),
        *(snapshot and snapshot.schema_version, snapshot and _text("a snapshot", snapshot.state)),
        *(event.type, event.schema_version, event.change, append.data[0], append.metadata[0]),
    ]
    return {"fields": array(fields)}


def key_hash(idempotency_key: str) -> str:
    """Return what the database keeps of a key: 128 bits, as hexadecimal digits."""
    return blake2b(idempotency_key.encode(), digest_size=16).hexdigest()


def content_hash(content: bytes) -> int:
    """Return what the database keeps of what a key stands for: a bigint."""
    return int.from_bytes(blake2b(content, digest_size=8).digest(), signed=True)


def array(values: Sequence[Any]) -> str:
    """Write an array as PostgreSQL does: JSON's list in other brackets, since no text holds a control character."""
    return "{" + _dumps(values).decode()[1:-1] + "}"


def read_outcome(append: Append, row: Row) -> Appended | EventStoreError:
    """Return what became of an append: the result, or the refusal to raise."""
    _, outcome, version, total = row
    if outcome == "stored":
        return Appended(version, total, False)
    if outcome == "repeated":
        return Appended(version, total, True)
    return _refusal(append, outcome, version, total)


def _refusal(append: Append, outcome: str, version: int, total: int) -> EventStoreError:
    stream = append.stream
    match outcome:
        case "key reused":
            return KeyReused(f"the idempotency key already stands for another request to {stream}")
        case "version conflict":
            return VersionConflict(stream, append.expected_version, version)
        case "wrong epoch":
            return WrongEpoch(stream, append.slot.number, append.slot.epoch, version)
        case "closed":
            return StreamClosed(f"{stream} is closed")
        case "below floor":
            return BelowFloor(stream, total)
        case "due":
            return Overdue(f"something in {stream} has ended, and is not recorded yet")
        case "total out of range":
            return TotalOutOfRange(f"the running total of {stream} would leave the range of a bigint")
    raise AssertionError(f"the database answered with the unknown outcome {outcome!r}")


def _check(append: Append) -> None:
    stream, events, due, key = append.stream, append.events, append.due, append.idempotency_key
    if not _NAME.fullmatch(stream) or len(stream.encode()) > 255:
        raise InvalidEvent(f"a stream is named by 1 to 255 bytes without control characters, not by {stream[:80]!r}")
    if not 1 <= len(events) <= LARGEST_APPEND:
        raise InvalidEvent(f"{stream}: an append has 1 to {LARGEST_APPEND} events, not {len(events)}")
    if due is not None and due.tzinfo is None:
        raise InvalidEvent(f"{stream}: due {due.isoformat()} has no time zone")
    if key is not None and not 1 <= len(key.encode()) <= LONGEST_KEY:
        raise InvalidEvent(f"{stream}: an idempotency key has 1 to {LONGEST_KEY} bytes, not {len(key.encode())}")
    _check_events(stream, events)


def _check_events(stream: str, events: Sequence[NewEvent]) -> None:
    total = 0
    for event in events:
        change = event.change
        if not _is_type(event.type):
            raise InvalidEvent(f"{stream}: an event's type is 1 to 100 of A-Z a-z 0-9 _ . : -, not {event.type[:80]!r}")
        if type(change) is not int or not _LOWEST <= change <= _HIGHEST:
            raise InvalidEvent(f"{stream}: {event.type} changes the total by {change!r}, which is no bigint")
        if not 1 <= event.schema_version < 2**15:
            raise InvalidEvent(f"{stream}: {event.type} has schema version {event.schema_version}, not 1 to 32767")
        total += change
        if not _LOWEST <= total <= _HIGHEST:
            raise TotalOutOfRange(f"the running total of {stream} would leave the range of a bigint")


@lru_cache(maxsize=1024)
def _is_type(name: str) -> bool:
    return _TYPE.fullmatch(name) is not None


def _check_size(kind: str, data: str, metadata: str) -> None:
    size = len(data.encode()) + len(metadata.encode())
    if size > LARGEST_EVENT_BYTES:
        raise InvalidEvent(f"{kind} has {size} bytes of data and metadata, more than {LARGEST_EVENT_BYTES}")


def _text(whose: str, document: Json) -> str:
    """Return JSON that is the same text for the same content."""
    try:
        text = _dumps(document, None, _AS_TEXT).decode()
        if "null" in text:  # orjson writes it for numbers that are not finite, too
            json.dumps(document, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InvalidEvent(f"{whose}: this is not JSON: {error}") from None
    return text


def _texts_of_metadata(stream: str, events: Sequence[NewEvent]) -> list[str]:
    """Return the metadata of each event as JSON; the events of one append mostly share one object."""
    first = events[0].metadata
    text = _text(stream, first)
    if len(events) == 1:
        return [text]
    return [
        text if event.metadata is first else "{}" if event.metadata == {} else _text(stream, event.metadata)
        for event in events
    ]


def _content(events: Sequence[NewEvent], data: Sequence[str]) -> bytes:
    return "\n".join([f"{event.type} {text}" for event, text in zip(events, data, strict=True)]).encode()
