"""What the event store refuses; the store is untouched then."""

from __future__ import annotations

from app.topology import StalePlace


class EventStoreError(Exception):
    """Any refusal of the event store."""


class InvalidEvent(EventStoreError, ValueError):
    """An event, a stream's name or a key cannot be stored; says what is wrong with it."""


class VersionConflict(EventStoreError):
    """The stream is not at the version that the writer expected."""

    def __init__(self, stream: str, expected: int | None, actual: int) -> None:
        super().__init__(f"{stream} is at version {actual}, not {expected}")
        self.stream = stream
        self.expected = expected
        self.actual = actual


class KeyReused(EventStoreError):
    """The idempotency key already stands for another request to the stream."""


class WrongEpoch(EventStoreError, StalePlace):
    """The stream's slot is not, or no longer, on this shard in that epoch: the writer's map is stale."""

    def __init__(self, stream: str, slot: int, expected: int, actual: int | None) -> None:
        there = "is not here" if actual is None else f"is here in epoch {actual}"
        super().__init__(f"slot {slot} of {stream} {there}, and does not take events of epoch {expected}")
        self.slot = slot
        self.expected = expected
        self.actual = actual


class StreamClosed(EventStoreError):
    """The stream takes no more events."""


class BelowFloor(EventStoreError):
    """The running total would fall below the floor that the writer named."""

    def __init__(self, stream: str, total: int) -> None:
        super().__init__(f"the running total of {stream} is {total}, too little for this")
        self.total = total


class Overdue(EventStoreError):
    """Something in the stream has ended: its running total is not to be relied on until that is recorded."""


class TotalOutOfRange(EventStoreError):
    """The stream's running total would leave the range of a bigint."""


class UnknownEventType(EventStoreError):
    """An event has a form that the program does not know, and no way leads from it to one that it knows."""

    def __init__(self, stream: str, version: int, kind: str, schema_version: int) -> None:
        super().__init__(f"event {version} of {stream} is {kind} of version {schema_version}, which is not known here")
        self.type = kind
        self.schema_version = schema_version


class EventFromTheFuture(EventStoreError):
    """An event was written by a newer program; this one must not guess what it means."""

    def __init__(self, stream: str, version: int, kind: str, schema_version: int, known: int) -> None:
        super().__init__(
            f"event {version} of {stream} is {kind} of version {schema_version}; this program knows it up to {known}"
        )
        self.type = kind
        self.schema_version = schema_version
        self.known = known


class GapInStream(EventStoreError):
    """A version is missing where a stream was read: it was damaged, or read while it arrived from another shard."""

    def __init__(self, stream: str, expected: int, actual: int) -> None:
        super().__init__(f"{stream} goes on with version {actual} where {expected} is to come")
        self.expected = expected
        self.actual = actual


class DuplicateEvent(EventStoreError):
    """An event is there already: its idempotency key was used in its stream before."""


class ImportRefused(EventStoreError):
    """An import stopped at a chunk, of which nothing is stored; called again it goes on there."""

    def __init__(self, name: str, position: int, reason: str) -> None:
        super().__init__(f"import {name} stopped in the chunk behind event {position}: {reason}")
        self.position = position
        """Events of the input that are dealt with."""
