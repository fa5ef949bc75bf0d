"""The values of a transfer: legs, outcome, decision, names of prepared transactions."""

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
"""Bytes; PostgreSQL's limit (GIDSIZE in its source, minus one)."""

_GID = re.compile(rf"{PREFIX}:(.+):([0-9a-f]{{32}})")


class Step(StrEnum):
    """A point of a transfer between two shards: before and after each of its three round trips."""

    PREPARING = "preparing"
    PREPARED = "prepared"
    DECIDING = "deciding"
    DECIDED = "decided"
    """The point of no return: the transfer is made."""
    SETTLING = "settling"
    SETTLED = "settled"


class Decision(StrEnum):
    """The fate of a prepared branch."""

    COMMIT = "commit"
    ABORT = "abort"


@dataclass(frozen=True, slots=True)
class Leg:
    """The events that a transfer appends to one of its two streams."""

    stream: str
    events: NewEvent | Sequence[NewEvent]
    floor: int | None = None
    """Refuse the append if the stream's running total would fall below this."""
    due: datetime | None = None
    """When something that these events add expires."""

    @property
    def several(self) -> tuple[NewEvent, ...]:
        """The events as a tuple."""
        return (self.events,) if isinstance(self.events, NewEvent) else tuple(self.events)

    @property
    def change(self) -> int:
        """The leg's change of the stream's running total."""
        return sum(event.change for event in self.several)


@dataclass(frozen=True, slots=True)
class Transferred:
    """A transfer that is durably stored."""

    source: Appended
    target: Appended
    settled: bool = True
    """False if the prepared branch becomes visible later, because its shard did not answer in time."""

    @property
    def repeated(self) -> bool:
        """Whether an earlier call with the same key made the transfer."""
        return self.source.repeated


class Gid(NamedTuple):
    """The name of a prepared transaction; it says where the decision about it is stored."""

    decider: str
    """Name of the shard that holds the decision."""
    attempt: uuid.UUID

    def __str__(self) -> str:
        text = f"{PREFIX}:{self.decider}:{self.attempt.hex}"
        if len(text.encode()) > LONGEST_GID:
            raise ValueError(f"the name of shard {self.decider} is too long for prepared transactions")
        return text

    @classmethod
    def parse(cls, text: str) -> Gid | None:
        """Parse a name; return None if the transaction is not a transfer."""
        match = _GID.fullmatch(text)
        return cls(match[1], uuid.UUID(match[2])) if match else None


class Prepared(NamedTuple):
    """A prepared transaction on a shard."""

    gid: str
    ours: bool
    """Whether the app's role prepared it and may finish it."""
    seconds: float
    """Age in seconds, by the server's clock."""
