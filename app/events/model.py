"""What the event store takes and gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event to be stored."""

    type: str
    data: Json
    change: int = 0
    """What the event adds to the stream's running total."""
    metadata: Json = field(default_factory=dict)
    """Who and why; not part of the content that an idempotency key stands for."""
    schema_version: int = 1
    """Which form of its type's data this is."""


@dataclass(frozen=True, slots=True)
class NewSnapshot:
    """What the events of a stream lead to, the appended ones included."""

    schema_version: int
    state: Json


class Slot(NamedTuple):
    """The slot of a stream, as the writer knows it."""

    number: int
    epoch: int
    """Counts the moves of the slot; the shard refuses a writer that is behind, or ahead."""


class Head(NamedTuple):
    """Where a stream ends."""

    version: int
    total: int
    due: datetime | None
    """From when on the total is not to be relied on."""
    closed: bool


class Appended(NamedTuple):
    """Events that are durably stored."""

    version: int
    """Number of the last of them in the stream, from 1 on without holes."""
    total: int
    """The stream's running total after it."""
    repeated: bool
    """Whether an earlier call with the same idempotency key stored them."""


class Cursor(NamedTuple):
    """A place in the order of a shard's events."""

    transaction_id: int
    position: int


START = Cursor(0, 0)
"""Before the first event of every shard."""


class StoredEvent(NamedTuple):
    """An event as it is read back."""

    stream: str
    version: int
    transaction_id: int
    position: int
    type: str
    schema_version: int
    data: Json
    metadata: Json
    change: int
    total: int
    recorded_at: datetime

    @property
    def cursor(self) -> Cursor:
        """Return the event's place in the order of its shard."""
        return Cursor(self.transaction_id, self.position)


class PastEvent(NamedTuple):
    """An event as far as a state is folded from it: a third of the columns, at half of the price."""

    stream: str
    version: int
    type: str
    schema_version: int
    data: Json


class StoredSnapshot(NamedTuple):
    """What the events of a stream up to a version lead to."""

    version: int
    state: Json
