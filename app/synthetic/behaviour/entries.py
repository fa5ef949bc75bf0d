"""Entries of accounts, as processes make them and as a statement orders them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

NORMAL, REFUND, FRAUD = range(3)
LABELS = ("normal", "refund", "fraud")
NONE = -1


@dataclass(frozen=True)
class Entries:
    """Entries, a place in each column one entry."""

    person: NDArray[np.int64]
    """Place among the people of the chunk."""
    seconds: NDArray[np.int64]
    """When, in seconds since 1970 by the clocks where the person lives."""
    kind: NDArray[np.int64]
    merchant: NDArray[np.int64]
    amount: NDArray[np.int64]
    """In minor units of the person's currency; what is spent is negative."""
    label: NDArray[np.int64]
    origin: NDArray[np.int64]
    """Place of the entry that this one gives back; -1 without."""

    @classmethod
    def of(
        cls,
        person: NDArray[np.integer],
        seconds: NDArray[np.int64],
        kind: NDArray[np.integer] | int,
        merchant: NDArray[np.integer],
        amount: NDArray[np.floating],
        label: int = NORMAL,
        origin: NDArray[np.integer] | int = NONE,
    ) -> Entries:
        """Build entries of whole amounts; a scalar applies to all of them."""
        given = (person, seconds, kind, merchant, np.rint(amount), label, origin)
        return cls(*(np.broadcast_to(np.asarray(values, dtype=np.int64), person.shape) for values in given))

    @classmethod
    def together(cls, parts: Sequence[Entries]) -> Entries:
        """Concatenate entries; their origins already refer to the result."""
        return cls(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(cls)))

    def __len__(self) -> int:
        return len(self.person)

    def take(self, places: NDArray[np.integer] | NDArray[np.bool_]) -> Entries:
        """Select entries; keep their origins unchanged."""
        return Entries(*(getattr(self, field.name)[places] for field in fields(self)))

    def ordered(self, kept: NDArray[np.bool_]) -> Entries:
        """Sort the kept entries by person and time; a kept entry must not refer to a dropped one."""
        chosen = np.flatnonzero(kept)
        order = chosen[np.lexsort((self.seconds[chosen], self.person[chosen]))]
        place = np.full(len(self) + 1, NONE)
        place[order] = np.arange(len(order))
        found = self.take(order)
        return replace(found, origin=place[found.origin])


def balances(entries: Entries, buffer: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the balance after each of the ordered entries.

    People begin with as much as leaves them their buffer when they have least, so nobody is ever overdrawn.
    """
    running = np.cumsum(entries.amount)
    starts = np.flatnonzero(np.diff(entries.person, prepend=-1))
    counts = np.diff(starts, append=len(running))
    running -= np.repeat(running[starts] - entries.amount[starts], counts)
    if not len(starts):
        return running
    lowest = np.minimum(np.minimum.reduceat(running, starts), 0)
    opening = np.rint(buffer[entries.person[starts]]).astype(np.int64) - lowest
    return running + np.repeat(opening, counts)
