"""Appends as the database takes them: many in one call, each judged by itself."""

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
"""Number of the request from 1 on, outcome, version, total."""


@dataclass(frozen=True, slots=True)
class AppendRequest:
    """One append, checked and encoded."""

    stream: str
    slot: Slot
    events: Sequence[NewEvent]
    data: Sequence[str]
    metadata: Sequence[str]
    expected_version: int | None = None
    key: str | None = None
    """Hash of the idempotency key, as hexadecimal digits."""
    content: int | None = None
    """Hash of what the key stands for."""
    floor: int | None = None
    due: datetime | None = None
    snapshot: NewSnapshot | None = None
    closes: bool = False
    hash: int = field(default=0)
    """Of the stream; signed, as a bigint is."""

    @property
    def order(self) -> tuple[int, str]:
        """Streams are locked in this order."""
        return self.hash, self.stream


def request(
    stream: str,
    events: NewEvent | Sequence[NewEvent],
    *,
    slot: Slot,
    expected_version: int | None = None,
    idempotency_key: str | None = None,
    content: bytes | None = None,
    floor: int | None = None,
    due: datetime | None = None,
    snapshot: NewSnapshot | None = None,
    closes: bool = False,
) -> AppendRequest:
    """Check and encode an append; raises InvalidEvent and TotalOutOfRange.

    `content` is what the idempotency key stands for; by default types and data of the events.
    """
    several = (events,) if isinstance(events, NewEvent) else tuple(events)
    _check(stream, several, due, idempotency_key)
    data = [_text(stream, event.data) for event in several]
    metadata = _texts_of_metadata(stream, several)
    if max(map(len, data)) + max(map(len, metadata)) > LARGEST_EVENT_BYTES // 4:
        for event, text, more in zip(several, data, metadata, strict=True):
            _check_size(event.type, text, more)
    key = None
    digest = None
    if idempotency_key is not None:
        key = key_hash(idempotency_key)
        digest = _digest(content if content is not None else _content(several, data))
    return AppendRequest(
        stream,
        slot,
        several,
        data,
        metadata,
        expected_version,
        key,
        digest,
        floor,
        due,
        snapshot,
        closes,
        xxhash.xxh3_64_intdigest(stream.encode()) - 2**63,
    )


def parameters_of(requests: Sequence[AppendRequest], now: datetime | None) -> Mapping[str, Any]:
    """Parameters of the statement `append`; every stream may be named once, in the order of `AppendRequest.order`."""
    events = [event for each in requests for event in each.events]
    counts = [len(each.events) for each in requests]
    running = [list(accumulate([event.change for event in each.events])) for each in requests]
    snapshots = [each.snapshot for each in requests]
    return {
        "now": now,
        "streams": array([each.stream for each in requests]),
        "hashes": array([each.hash for each in requests]),
        "slots": array([each.slot[0] for each in requests]),
        "epochs": array([each.slot[1] for each in requests]),
        "expected_versions": array([each.expected_version for each in requests]),
        "idempotency_keys": array([each.key for each in requests]),
        "content_hashes": array([each.content for each in requests]),
        "floors": array([each.floor for each in requests]),
        "dues": array([each.due for each in requests]),
        "closes": array([each.closes for each in requests]),
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
        "data": array([text for each in requests for text in each.data]),
        "metadata": array([text for each in requests for text in each.metadata]),
    }


def parameters_of_one(asked: AppendRequest, now: datetime | None) -> Mapping[str, Any] | None:
    """Parameters of the statement `append_one`, which does the same for less; None where there are several events."""
    if len(asked.events) > 1:
        return None
    event, snapshot = asked.events[0], asked.snapshot
    fields = [
        *(now, asked.stream, asked.hash, asked.slot[0], asked.slot[1]),
        *(asked.expected_version, asked.key, asked.content, asked.floor, asked.due, asked.closes),
        *(snapshot and snapshot.schema_version, snapshot and _text("a snapshot", snapshot.state)),
        *(event.type, event.schema_version, event.change, asked.data[0], asked.metadata[0]),
    ]
    return {"fields": array(fields)}


def key_hash(idempotency_key: str) -> str:
    """What stands in the database for a key: 128 bits, as hexadecimal digits."""
    return blake2b(idempotency_key.encode(), digest_size=16).hexdigest()


def array(values: Sequence[Any]) -> str:
    """An array as PostgreSQL writes it: JSON's list in other brackets, as long as no text holds a control character."""
    return "{" + _dumps(values).decode()[1:-1] + "}"


def result(asked: AppendRequest, row: Row) -> Appended | EventStoreError:
    """What became of an append."""
    _, outcome, version, total = row
    if outcome == "stored":
        return Appended(version, total, False)
    if outcome == "repeated":
        return Appended(version, total, True)
    return _refusal(asked, outcome, version, total)


def _refusal(asked: AppendRequest, outcome: str, version: int, total: int) -> EventStoreError:
    stream = asked.stream
    match outcome:
        case "key reused":
            return KeyReused(f"the idempotency key already stands for another request to {stream}")
        case "version conflict":
            return VersionConflict(stream, asked.expected_version, version)
        case "wrong epoch":
            return WrongEpoch(stream, asked.slot.number, asked.slot.epoch, version)
        case "closed":
            return StreamClosed(f"{stream} is closed")
        case "below floor":
            return BelowFloor(stream, total)
        case "due":
            return Overdue(f"something in {stream} has ended, and is not recorded yet")
        case "total out of range":
            return TotalOutOfRange(f"the running total of {stream} would leave the range of a bigint")
    raise AssertionError(f"the database knows an outcome {outcome!r} that is not known here")


def _check(stream: str, events: Sequence[NewEvent], due: datetime | None, key: str | None) -> None:
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
    """JSON that is the same text for the same content."""
    try:
        text = _dumps(document, None, _AS_TEXT).decode()
        if "null" in text:  # orjson writes it for numbers that are not finite, too
            json.dumps(document, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InvalidEvent(f"{whose}: this is not JSON: {error}") from None
    return text


def _texts_of_metadata(stream: str, events: Sequence[NewEvent]) -> list[str]:
    """The same for each of them; most often the events of one append have one and the same object."""
    first = events[0].metadata
    text = _text(stream, first)
    return [
        text if event.metadata is first else "{}" if event.metadata == {} else _text(stream, event.metadata)
        for event in events
    ]


def _content(events: Sequence[NewEvent], data: Sequence[str]) -> bytes:
    return "\n".join(f"{event.type} {text}" for event, text in zip(events, data, strict=True)).encode()


def _digest(content: bytes) -> int:
    return int.from_bytes(blake2b(content, digest_size=8).digest(), signed=True)
