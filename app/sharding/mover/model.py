"""The values of a slot move: steps, progress, records, limits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from app.queries import Connects


class Step(StrEnum):
    """A step that is done: in the order of a move, of an abort, of dropping. All but LOCKED are durable."""

    BEGUN = "begun"
    """The source has its record of the move."""
    ANNOUNCED = "announced"
    """The map says that the slot is moving."""
    ARRIVING = "arriving"
    """The target waits for the slot."""
    COPYING = "copying"
    """Some more events are on the target."""
    COPIED = "copied"
    VERIFIED = "verified"
    CAUGHT_UP = "caught up"
    LOCKED = "locked"
    """Writers of the slot wait from now on."""
    COMPARED = "compared"
    """Source and target are equal, and nothing can change that."""
    LEFT = "left"
    """The source no longer takes writes."""
    DECIDED = "decided"
    """The map gives the slot to the target: the point of no return."""
    OWNED = "owned"
    """The target takes writes; waiting writers go on."""
    MOVED = "moved"
    """The source knows that its rows may be dropped."""

    ABORTING = "aborting"
    REVOKED = "revoked"
    """The map says that the slot stays: it can no longer be given to the target."""
    RETURNED = "returned"
    """The source takes writes again."""
    ABANDONED = "abandoned"
    """The target accepts no more rows of the slot."""
    DROPPING = "dropping"
    """Some more rows are deleted."""
    ABORTED = "aborted"

    DROPPED = "dropped"


@dataclass(frozen=True)
class Progress:
    """A step of a move, and how far it is."""

    slot: int
    step: Step
    events: int = 0
    """Events copied by this run, or dropped."""
    total: int = 0
    """Events expected when the copy began; 0 for steps that copy nothing."""


Report = Callable[[Progress], None]
"""Called after every step, even while writers wait: it must return at once."""


def no_report(_: Progress) -> None:
    """Ignore the progress."""


class Departure(NamedTuple):
    """The record of a move on its source."""

    move: UUID
    slot: int
    epoch: int
    """Epoch of the slot on the source."""
    target: str
    step: str
    aborting: bool


class Arrival(NamedTuple):
    """The record of a move on its target, until the slot is owned there."""

    move: UUID
    slot: int
    epoch: int
    """Epoch of the slot on the target."""
    source: str
    abandoned: bool


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Sizes and time limits of a move."""

    batch_events: int = 2000
    """Events copied in one transaction. Readers that tail the target wait for it."""
    small_events: int = 200
    """Most events left to copy while writers wait; more only if rounds stop getting smaller."""
    lock_seconds: float = 0.04
    """How long to wait for the lock of a slot; new writers queue behind it meanwhile."""
    locked_seconds: float = 0.15
    """Longest time from lock to flip; after it the lock is released and tried again."""
    hold_seconds: float = 1.0
    """After this the source takes the lock from a stuck mover and ends its connection."""
    patience_seconds: float = 60.0
    """How long to try to flip the slot, and to reach the map and the target once the source has left it."""
    exclusive_seconds: float = 2.0
    """How long to wait for another mover of the slot, such as one that has just died."""


Databases = Mapping[str, Connects]
"""The databases by name of their shard."""
