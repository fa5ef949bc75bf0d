"""What a transfer is made of."""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from app.events import Appended, NewEvent

PREFIX = "fortress"
LONGEST_GID = 199
"""Bytes; PostgreSQL's limit (GIDSIZE in its source, less one)."""

_GID = re.compile(rf"{PREFIX}:(.+):([0-9a-f]{{32}})")


class Step(StrEnum):
    """Where a transfer between two shards is: before and after each of its three round trips."""

    PREPARING = "preparing"
    PREPARED = "prepared"
    DECIDING = "deciding"
    DECIDED = "decided"
    """The point of no return: the transfer is made."""
    SETTLING = "settling"
    SETTLED = "settled"


class Decision(StrEnum):
    """What becomes of a prepared half."""

    COMMIT = "commit"
    ABORT = "abort"


@dataclass(frozen=True, slots=True)
class Leg:
    """One half of a transfer: what is appended to one of the two streams."""

    stream: str
    events: NewEvent | Sequence[NewEvent]
    floor: int | None = None
    """The append is refused where the stream's running total would fall below it."""
    due: datetime | None = None
    """When something in the stream ends by these events."""

    @property
    def several(self) -> tuple[NewEvent, ...]:
        """The events, also where it is one."""
        return (self.events,) if isinstance(self.events, NewEvent) else tuple(self.events)

    @property
    def change(self) -> int:
        """What the leg adds to the stream's running total."""
        return sum(event.change for event in self.several)


@dataclass(frozen=True, slots=True)
class Transferred:
    """A transfer that is durably made."""

    source: Appended
    target: Appended
    settled: bool = True
    """False where the half that was prepared shows later, because its shard did not answer in time."""

    @property
    def repeated(self) -> bool:
        """Whether an earlier call with the same key made it."""
        return self.source.repeated


class Gid(NamedTuple):
    """Name of a prepared transaction: it tells where the decision on it is found."""

    decider: str
    """Name of the shard that holds the decision."""
    attempt: uuid.UUID

    def __str__(self) -> str:
        text = f"{PREFIX}:{self.decider}:{self.attempt.hex}"
        if len(text.encode()) > LONGEST_GID:
            raise ValueError(f"a shard's name is too long to prepare transactions for it: {self.decider}")
        return text

    @classmethod
    def parse(cls, text: str) -> Gid | None:
        """None where the transaction is nobody's transfer."""
        match = _GID.fullmatch(text)
        return cls(match[1], uuid.UUID(match[2])) if match else None


class Prepared(NamedTuple):
    """A transaction that is prepared on a shard."""

    gid: str
    ours: bool
    """Whether the app's role prepared it, and so may finish it."""
    seconds: float
    """Its age by the clock of the server."""
