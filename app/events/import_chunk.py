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
    """What that key stands for, as in `Append`."""
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
        """Group the events of this shard by stream; raise InvalidEvent for a name that no stream can have."""
        self._streams: dict[str, _Stream] = {}
        self._elsewhere: set[str] = set()
        self._kinds: dict[tuple[str, int], bytes] = {}
        self._metadata: Json | None = None
        self._metadata_field = b""
        self.events = [imported for imported in block if self._takes(imported, place)]

    def parameters(self) -> dict[str, Any]:
        """Return the parameters of `begin_import` but name and position; raise TotalOutOfRange, InvalidEvent."""
        streams = self._streams.values()
        for stream in streams:
            if not -(2**63) <= stream.sum < 2**63:
                raise _out_of_range(stream.name)
        return {
            "streams": array([stream.name for stream in streams]),
            "slots": array([stream.slot.number for stream in streams]),
            "epochs": array([stream.slot.epoch for stream in streams]),
            "counts": array([stream.count for stream in streams]),
            "sums": array([stream.sum for stream in streams]),
            "dues": array([stream.due for stream in streams]),
        }

    def begin(self, answers: Iterable[Sequence[Any]]) -> None:
        """Take the heads of the streams from the answers; raise WrongEpoch and StreamClosed."""
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
        """Yield the input of COPY in pieces; raise InvalidEvent, VersionConflict and TotalOutOfRange."""
        at = copy_rows.microseconds(recorded_at)
        parts = [copy_rows.HEADER]
        for first in range(0, len(self.events), PIECE):
            for imported in self.events[first : first + PIECE]:
                self._encode(imported, at, parts)
            yield b"".join(parts)
            parts.clear()
        yield b"".join((*parts, copy_rows.TRAILER))

    def _takes(self, imported: ImportedEvent, place: Callable[[str], Slot | None]) -> bool:
        stream = self._streams.get(imported.stream)
        if stream is None:
            slot = None if imported.stream in self._elsewhere else place(imported.stream)
            if slot is None:
                self._elsewhere.add(imported.stream)
                return False
            Append(imported.stream, (imported.event,), slot)  # refuses a name that no append takes
            stream = self._streams[imported.stream] = _Stream(imported.stream, slot)
        stream.count += 1
        stream.sum += imported.event.change
        if imported.due is not None:
            if imported.due.tzinfo is None:
                raise InvalidEvent(f"{imported.stream}: due {imported.due.isoformat()} has no time zone")
            stream.due = min(imported.due, stream.due or imported.due)
        return True

    def _encode(self, imported: ImportedEvent, at: int, parts: list[bytes]) -> None:
        name, event, recorded_at, version, key, _, _ = imported
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
        kind = self._kinds.get((event.type, event.schema_version)) or self._kind(imported, stream.slot)
        try:
            numbers = copy_rows.numbers(
                stream.version, stream.slot.number, event.schema_version, at, event.change, stream.total
            )
        except struct.error:
            raise _out_of_range(name) from None
        parts += (
            stream.begin,
            numbers,
            copy_rows.NO_KEY if key is None else _key(imported, stream.slot),
            kind,
            copy_rows.length(len(data)),
            data,
            self._metadata_field,
        )

    def _kind(self, imported: ImportedEvent, slot: Slot) -> bytes:
        Append(imported.stream, (imported.event,), slot)  # refuses a type that no append takes
        kind = copy_rows.field(imported.event.type.encode())
        self._kinds[imported.event.type, imported.event.schema_version] = kind
        return kind


def _out_of_range(stream: str) -> TotalOutOfRange:
    return TotalOutOfRange(f"the running total of {stream} would leave the range of a bigint")


def _microseconds(stream: str, at: datetime) -> int:
    if at.tzinfo is None:
        raise InvalidEvent(f"{stream}: recorded_at {at.isoformat()} has no time zone")
    return copy_rows.microseconds(at)


def _key(imported: ImportedEvent, slot: Slot) -> bytes:
    """Encode the key as an append would store it, so that a repeated request is recognised."""
    append = Append(
        imported.stream, (imported.event,), slot, idempotency_key=imported.idempotency_key, content=imported.content
    )
    assert append.key_hash is not None
    assert append.content_hash is not None
    return copy_rows.key(bytes.fromhex(append.key_hash), append.content_hash)


def _text(stream: str, document: Json) -> bytes:
    try:
        return orjson.dumps(document, None, orjson.OPT_SORT_KEYS)
    except TypeError as error:  # orjson's JSONEncodeError is one
        raise InvalidEvent(f"{stream}: this is not JSON: {error}") from None
