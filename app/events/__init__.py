"""The event store: streams of immutable events on PostgreSQL."""

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
from app.events.model import START, Appended, Cursor, Head, Json, NewEvent, NewSnapshot, Slot, StoredEvent
from app.events.store import EventStore

__all__ = [
    "START",
    "Appended",
    "BelowFloor",
    "Cursor",
    "EventStore",
    "EventStoreError",
    "Head",
    "InvalidEvent",
    "Json",
    "KeyReused",
    "NewEvent",
    "NewSnapshot",
    "Overdue",
    "Slot",
    "StoredEvent",
    "StreamClosed",
    "TotalOutOfRange",
    "VersionConflict",
    "WrongEpoch",
]
