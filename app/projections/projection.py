"""What a read model is made by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from psycopg import AsyncConnection

from app.events import Cursor, StoredEvent

Connection = AsyncConnection[Any]


class Projection(Protocol):
    """Turns events into the rows of a read model, in tables of the shard that the events are on.

    Its rows carry the generation that they were made for: so a new one is built from the first event on while the old
    one is read. Both methods run in a transaction that is not theirs to end.
    """

    @property
    def name(self) -> str:
        """Return the permanent name: checkpoints are kept under it."""
        ...

    async def apply(self, connection: Connection, events: Sequence[StoredEvent], *, generation: int) -> None:
        """Work events into the rows of a generation: of each stream the next ones, each once and in order.

        Their number is in the thousands: one statement for all of them, not one for each.
        """
        ...

    async def discard(self, connection: Connection, *, generation: int) -> None:
        """Delete the rows of a generation that nobody reads any more."""
        ...


class Generation(NamedTuple):
    """One generation of a read model, and how far it has come."""

    number: int
    epoch: int
    """Of the order that its place belongs to; in another one it begins at the start, and drops what comes again."""
    place: Cursor


class ProjectionLag(NamedTuple):
    """How far a generation of a read model is behind the events of its shard."""

    projection: str
    generation: int
    state: str
    """`building` or `serving`."""
    events: int
    """Not more than were asked to be counted."""
    seconds: float
    """Since the oldest of them was recorded, wherever that was."""
