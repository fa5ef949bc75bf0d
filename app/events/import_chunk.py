"""Events of one transaction of a bulk import: grouped by stream, then encoded as rows."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import orjson

from app.events import copy_rows
from app.events.append import LARGEST_EVENT_BYTES, Append, array
from app.events.errors import EventStoreError, InvalidEvent, StreamClosed, TotalOutOfRange, VersionConflict, WrongEpoch
from app.events.model import Json, NewEvent, Slot

PIECE = 500
"""Events that are handed to the connection at once: so the database works while the next ones are encoded."""


class ImportedEvent(NamedTuple):
    """An event of an import."""

    stream: str
    event: NewEvent
    recorded_at: datetime | None = None
    """When it happened, with a time zone; by default when it is imported."""
    version: int | None = None
    """Which number in its stream it must get; by default the next one."""
    idempotency_key: str | None = None
    content: bytes | None = None
    """What that key stands for, as in `EventStore.append`."""
    due: datetime | None = None
    """From when on the stream's total is not to be relied on because of it."""


class _Stream:
    """A stream of the chunk."""

    __slots__ = ("begin", "count", "due", "name", "slot", "sum", "total", "version")

    def __init__(self, name: str, slot: Slot) -> None:
        self.name = name
        self.slot = slot
        self.begin = copy_rows.begin(name)
        self.count = 0
        self.sum = 0
        self.due: datetime | None = None
        self.version = 0
        self.total = 0


class Chunk:
    """The events of a block that live on one shard, by a function that knows the slots of that."""

    def __init__(self, block: Iterable[ImportedEvent], place: Callable[[str], Slot | None]) -> None:
        """Raises InvalidEvent for a name that no stream can have."""
        self._streams: dict[str, _Stream] = {}
        self._elsewhere: set[str] = set()
        self._kinds: dict[tuple[str, int], bytes] = {}
        self._metadata: Json | None = None
        self._metadata_field = b""
        self.events = [each for each in block if self._takes(each, place)]

    def parameters(self) -> dict[str, Any]:
        """What `begin_import` is asked, besides the name and the position; raises TotalOutOfRange, InvalidEvent."""
        streams = self._streams.values()
        for each in streams:
            if not -(2**63) <= each.sum < 2**63:
                raise _out_of_range(each.name)
        return {
            "streams": array([each.name for each in streams]),
            "slots": array([each.slot.number for each in streams]),
            "epochs": array([each.slot.epoch for each in streams]),
            "counts": array([each.count for each in streams]),
            "sums": array([each.sum for each in streams]),
            "dues": array([each.due for each in streams]),
        }

    def begin(self, answers: Iterable[Sequence[Any]]) -> None:
        """Take where the streams end so far; raises WrongEpoch and StreamClosed."""
        streams = list(self._streams.values())
        for number, outcome, version, total in answers:
            if outcome == "elsewhere":
                raise EventStoreError(f"another process has brought it to event {version} meanwhile")
            stream = streams[number - 1]
            if outcome == "wrong epoch":
                raise WrongEpoch(stream.name, stream.slot.number, stream.slot.epoch, version)
            if outcome == "closed":
                raise StreamClosed(f"{stream.name} is closed")
            stream.version = version
            stream.total = total

    def pieces(self, recorded_at: datetime) -> Iterator[bytes]:
        """All for COPY; raises InvalidEvent, VersionConflict and TotalOutOfRange."""
        at = copy_rows.microseconds(recorded_at)
        parts = [copy_rows.HEADER]
        for first in range(0, len(self.events), PIECE):
            for each in self.events[first : first + PIECE]:
                self._encode(each, at, parts)
            yield b"".join(parts)
            parts.clear()
        yield b"".join((*parts, copy_rows.TRAILER))

    def _takes(self, each: ImportedEvent, place: Callable[[str], Slot | None]) -> bool:
        stream = self._streams.get(each.stream)
        if stream is None:
            slot = None if each.stream in self._elsewhere else place(each.stream)
            if slot is None:
                self._elsewhere.add(each.stream)
                return False
            Append(each.stream, (each.event,), slot)  # refuses a name that no append takes
            stream = self._streams[each.stream] = _Stream(each.stream, slot)
        stream.count += 1
        stream.sum += each.event.change
        if each.due is not None:
            if each.due.tzinfo is None:
                raise InvalidEvent(f"{each.stream}: due {each.due.isoformat()} has no time zone")
            stream.due = min(each.due, stream.due or each.due)
        return True

    def _encode(self, each: ImportedEvent, at: int, parts: list[bytes]) -> None:
        name, event, recorded_at, version, key, _, _ = each
        stream = self._streams[name]
        stream.version += 1
        stream.total += event.change
        if version is not None and version != stream.version:
            raise VersionConflict(name, version - 1, stream.version - 1)
        if recorded_at is not None:
            at = _microseconds(name, recorded_at)
        if event.metadata is not self._metadata:
            self._metadata = event.metadata
            self._metadata_field = copy_rows.field(_text(name, event.metadata))
        data = _text(name, event.data)
        if len(data) + len(self._metadata_field) > LARGEST_EVENT_BYTES:
            Append(name, (event,), stream.slot)  # refuses what is too large
        kind = self._kinds.get((event.type, event.schema_version)) or self._kind(each, stream.slot)
        try:
            numbers = copy_rows.numbers(
                stream.version, stream.slot.number, event.schema_version, at, event.change, stream.total
            )
        except struct.error:
            raise _out_of_range(name) from None
        parts += (
            stream.begin,
            numbers,
            copy_rows.NO_KEY if key is None else _key(each, stream.slot),
            kind,
            copy_rows.length(len(data)),
            data,
            self._metadata_field,
        )

    def _kind(self, each: ImportedEvent, slot: Slot) -> bytes:
        Append(each.stream, (each.event,), slot)  # refuses a type that no append takes
        kind = copy_rows.field(each.event.type.encode())
        self._kinds[each.event.type, each.event.schema_version] = kind
        return kind


def _out_of_range(stream: str) -> TotalOutOfRange:
    return TotalOutOfRange(f"the running total of {stream} would leave the range of a bigint")


def _microseconds(stream: str, at: datetime) -> int:
    if at.tzinfo is None:
        raise InvalidEvent(f"{stream}: recorded_at {at.isoformat()} has no time zone")
    return copy_rows.microseconds(at)


def _key(each: ImportedEvent, slot: Slot) -> bytes:
    """As an append with this key would store it: so a repetition of the original request is known as one."""
    append = Append(each.stream, (each.event,), slot, idempotency_key=each.idempotency_key, content=each.content)
    assert append.key_hash is not None
    assert append.content_hash is not None
    return copy_rows.key(bytes.fromhex(append.key_hash), append.content_hash)


def _text(stream: str, document: Json) -> bytes:
    try:
        return orjson.dumps(document, None, orjson.OPT_SORT_KEYS)
    except TypeError as error:  # orjson's JSONEncodeError is one
        raise InvalidEvent(f"{stream}: this is not JSON: {error}") from None
