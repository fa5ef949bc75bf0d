"""The event store: streams of immutable events on PostgreSQL."""

from app.events.append import Append
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
from app.events.model import START, Appended, Cursor, Head, Json, NewEvent, NewSnapshot, PastEvent, Slot, StoredEvent
from app.events.snapshots import Fold, Loaded, load, snapshot_due
from app.events.store import EventStore
from app.events.subscription import Subscription
from app.events.tailing import Epoch, RebaseNeeded, Tail, TailLag
from app.events.upcasting import Form, Step, Upcasting
from app.events.wakeup import Notifier, Wakeup

__all__ = [
    "START",
    "Append",
    "Appended",
    "BelowFloor",
    "Cursor",
    "Epoch",
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
    "Notifier",
    "Overdue",
    "PastEvent",
    "RebaseNeeded",
    "Slot",
    "Step",
    "StoredEvent",
    "StreamClosed",
    "Subscription",
    "Tail",
    "TailLag",
    "TotalOutOfRange",
    "UnknownEventType",
    "Upcasting",
    "VersionConflict",
    "Wakeup",
    "WrongEpoch",
    "load",
    "snapshot_due",
]
