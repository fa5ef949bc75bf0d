"""What a move of a slot is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from app.queries import Connects


class Step(StrEnum):
    """What has just been done, in the order of a move, of an abort, and of dropping; all but `locked` are durable."""

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
    """Writers of the slot wait from here on."""
    COMPARED = "compared"
    """Both sides are the same, and nothing can change that."""
    LEFT = "left"
    """The source takes no writes any more."""
    DECIDED = "decided"
    """The map gives the slot to the target: from here on there is no way back."""
    OWNED = "owned"
    """The target takes writes; those that waited go on."""
    MOVED = "moved"
    """The source knows that its rows can be dropped."""

    ABORTING = "aborting"
    REVOKED = "revoked"
    """The map says that the slot stays: from here on it cannot be given to the target."""
    RETURNED = "returned"
    """The source takes writes."""
    ABANDONED = "abandoned"
    """The target takes no more rows of the slot."""
    DROPPING = "dropping"
    """Some more rows are gone."""
    ABORTED = "aborted"

    DROPPED = "dropped"


@dataclass(frozen=True)
class Progress:
    """How far a move is."""

    slot: int
    step: Step
    events: int = 0
    """Copied by this run, or dropped."""
    total: int = 0
    """Expected when the copy began; 0 where there is nothing to count."""


Report = Callable[[Progress], None]
"""Called after every step, also while writers wait: it must return at once."""


def no_report(_: Progress) -> None:
    """For those who do not want to know."""


class Departure(NamedTuple):
    """The record of a move on its source."""

    move: UUID
    slot: int
    epoch: int
    """On the source."""
    target: str
    step: str
    aborting: bool


class Arrival(NamedTuple):
    """The record of a move on its target, as long as the slot is not owned there."""

    move: UUID
    slot: int
    epoch: int
    """On the target."""
    source: str
    abandoned: bool


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Sizes and times of a move."""

    batch_events: int = 2000
    """Copied in one transaction of the target, whose tails wait as long as it runs."""
    small_events: int = 200
    """So few events may be left to copy while writers wait; more where that is quick enough."""
    lock_seconds: float = 0.04
    """The wait for the lock of a slot, in which new writers queue up behind it."""
    locked_seconds: float = 0.15
    """From the lock to the flip; where it takes longer the lock is given back, and tried again."""
    hold_seconds: float = 1.0
    """After which the source itself takes the lock away from a mover that is stuck, and ends its connection."""
    patience_seconds: float = 60.0
    """In which the slot must be flipped, and the map and the target must answer once the source has left it."""
    exclusive_seconds: float = 2.0
    """The wait for another process that moves the slot, such as one that has just died."""


Databases = Mapping[str, Connects]
"""By name of the shard."""
