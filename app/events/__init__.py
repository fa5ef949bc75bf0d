"""The event store: streams of immutable events on PostgreSQL."""

from app.events.errors import (
    BelowFloor,
    EventFromTheFuture,
    EventStoreError,
    GapInStream,
    InvalidEvent,
    KeyReused,
    Overdue,
    StreamClosed,
    TotalOutOfRange,
    UnknownEventType,
    VersionConflict,
    WrongEpoch,
)
from app.events.model import START, Appended, Cursor, Head, Json, NewEvent, NewSnapshot, Slot, StoredEvent
from app.events.snapshots import Fold, Loaded, load, snapshot_due
from app.events.store import EventStore
from app.events.upcasting import Form, Step, Upcasting

__all__ = [
    "START",
    "Appended",
    "BelowFloor",
    "Cursor",
    "EventFromTheFuture",
    "EventStore",
    "EventStoreError",
    "Fold",
    "Form",
    "GapInStream",
    "Head",
    "InvalidEvent",
    "Json",
    "KeyReused",
    "Loaded",
    "NewEvent",
    "NewSnapshot",
    "Overdue",
    "Slot",
    "Step",
    "StoredEvent",
    "StreamClosed",
    "TotalOutOfRange",
    "UnknownEventType",
    "Upcasting",
    "VersionConflict",
    "WrongEpoch",
    "load",
    "snapshot_due",
]
