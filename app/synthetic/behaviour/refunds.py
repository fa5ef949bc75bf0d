"""What merchants give back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from app.synthetic.behaviour.calendar import DAY, Hours
from app.synthetic.behaviour.entries import REFUND, Entries
from app.synthetic.errors import require

LEAST = 0.1
"""The least that is given back of a purchase, as a share."""


@dataclass(frozen=True, kw_only=True)
class Refunds:
    """Some purchases are given back, all or in part, by the same merchant; raises ImpossibleParameters."""

    share: float = 0.04
    """Of purchases that can be given back."""
    mean_days: float = 8.0
    """How long it takes, after one day at least (exponential, whole days)."""
    whole: float = 0.75
    """Share of refunds of the whole amount; the others are of some part."""

    hours: ClassVar[Hours] = Hours(((1, 13.5, 2.0),))

    def __post_init__(self) -> None:
        require(0 <= self.share <= 1, f"share is {self.share}: it goes from 0 to 1")
        require(0 <= self.mean_days <= 1000, f"mean_days is {self.mean_days}: it goes from 0 to 1000")
        require(0 <= self.whole <= 1, f"whole is {self.whole}: it is a share, from 0 to 1")

    def entries(self, rng: np.random.Generator, purchases: Entries) -> Entries:
        """Draw refunds of some purchases; `origin` is the index of the purchase."""
        origin = np.flatnonzero(rng.random(len(purchases)) < self.share)
        back = purchases.take(origin)
        day = back.seconds // DAY + 1 + rng.exponential(self.mean_days, len(origin)).astype(np.int64)
        seconds = day * DAY + self.hours.draw(rng, len(origin))
        part = np.where(rng.random(len(origin)) < self.whole, 1.0, rng.uniform(LEAST, 1.0, len(origin)))
        amount = np.ceil(-back.amount * part)
        return Entries.of(back.person, seconds, back.kind, back.merchant, amount, REFUND, origin)
