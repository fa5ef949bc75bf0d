"""Loading what a stream's events lead to, from its latest snapshot on, and saying when to keep a new one.

A snapshot is never read to learn what happened, only to spare the reading: one of another schema version is ignored,
and all of them may be deleted at any time. Where events hold sealed values the state does too, as they came; so no
snapshot outlives an erasure.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from app.events.errors import GapInStream
from app.events.model import Json, NewSnapshot, PastEvent, StoredSnapshot
from app.events.upcasting import Upcasting

State = TypeVar("State")

EVERY = 100
"""Events from one snapshot to the next."""
PAGE = 1000
"""Events in one round trip; the first one brings the snapshot too."""


class Store(Protocol):
    """The event store, as far as loading needs it."""

    async def read_from_snapshot(
        self, stream: str, *, schema_version: int, limit: int
    ) -> tuple[StoredSnapshot | None, list[PastEvent]]:
        """Return the snapshot of that schema version and the events behind it, or all events."""
        ...

    async def read_past(self, stream: str, *, after: int, limit: int) -> list[PastEvent]:
        """Return events of a stream in order."""
        ...


@dataclass(frozen=True)
class Fold(Generic[State]):
    """How events lead to a state, and how that is kept; every function is pure."""

    initial: State
    apply: Callable[[State, PastEvent], State]
    upcasting: Upcasting
    schema_version: int
    """Of the state as `encode` gives it: a new one whenever `apply` or the form changes, from 1 on."""
    encode: Callable[[State], Json]
    decode: Callable[[Json], State]


@dataclass(frozen=True)
class Loaded(Generic[State]):
    """A stream as it was read."""

    state: State
    version: int
    """Of its last event; 0 where there is none."""
    snapshot_version: int
    """Where the latest snapshot of use stands; 0 where there is none."""


async def load(store: Store, stream: str, fold: Fold[State], *, page: int = PAGE) -> Loaded[State]:
    """Load a stream's state: in one round trip where at most `page` events came after the snapshot.

    Raises GapInStream, UnknownEventType, EventFromTheFuture, and what `apply` and the database raise.
    """
    snapshot, events = await store.read_from_snapshot(stream, schema_version=fold.schema_version, limit=page)
    state = fold.initial if snapshot is None else fold.decode(snapshot.state)
    version = kept = 0 if snapshot is None else snapshot.version
    while events:
        for event in events:
            if event.version != version + 1:
                raise GapInStream(stream, expected=version + 1, actual=event.version)
            state = fold.apply(state, fold.upcasting.upcast(event))
            version = event.version
        events = await store.read_past(stream, after=version, limit=page) if len(events) >= page else []
    return Loaded(state, version, kept)


def snapshot_due(
    loaded: Loaded[State], fold: Fold[State], state: State, events: int, *, every: int = EVERY
) -> NewSnapshot | None:
    """Return the snapshot to store with the next `events` events, which lead to `state`; None when not due.

    The append must name `expected_version=loaded.version`: else the state may not be what the stream leads to.
    """
    if loaded.version + events - loaded.snapshot_version < every:
        return None
    return NewSnapshot(fold.schema_version, fold.encode(state))
