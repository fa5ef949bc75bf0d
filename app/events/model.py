"""What the event store takes, gives and refuses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Json = Mapping[str, Any]


class VersionConflict(Exception):
    """The stream is not at the version that the writer expected."""

    def __init__(self, stream: str, expected: int, actual: int) -> None:
        super().__init__(f"{stream} is at version {actual}, not {expected}")
        self.actual = actual


class KeyReused(Exception):
    """The idempotency key already stands for another event of the stream."""


class TotalOutOfRange(Exception):
    """The stream's running total would leave the range of a bigint."""


@dataclass(frozen=True)
class NewEvent:
    """An event to be stored."""

    type: str
    data: Json
    change: int = 0
    """What the event adds to the stream's running total."""
    metadata: Json = field(default_factory=dict)
    """Who and why; not part of the content that an idempotency key stands for."""


@dataclass(frozen=True)
class Head:
    """Where a stream ends."""

    version: int
    total: int


@dataclass(frozen=True)
class Appended:
    """An event that is durably stored."""

    version: int
    """Its number in the stream, from 1 on without holes."""
    position: int
    """Its place in the order of its shard; there may be holes."""
    total: int
    """The stream's running total after it."""
    repeated: bool
    """Whether an earlier call with the same idempotency key stored it."""


@dataclass(frozen=True)
class StoredEvent:
    """An event as it is read back."""

    version: int
    position: int
    type: str
    data: Json
    metadata: Json
    change: int
    total: int
    recorded_at: datetime
