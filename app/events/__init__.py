"""The event store: streams of immutable events on PostgreSQL."""

from app.events.model import Appended, Head, KeyReused, NewEvent, StoredEvent, TotalOutOfRange, VersionConflict
from app.events.store import EventStore

__all__ = [
    "Appended",
    "EventStore",
    "Head",
    "KeyReused",
    "NewEvent",
    "StoredEvent",
    "TotalOutOfRange",
    "VersionConflict",
]
