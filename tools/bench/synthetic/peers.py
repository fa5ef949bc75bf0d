"""Values for a peer's records of the schema `customers`, field by field."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

COUNTRIES: Mapping[str, int] = {"US": 40, "GB": 12, "DE": 12, "FR": 10, "ES": 8, "IN": 12, "JP": 6}
PLANS: Mapping[str, int] = {"basic": 70, "plus": 24, "premium": 6}
CURRENCIES = {"US": "USD", "GB": "GBP", "DE": "EUR", "FR": "EUR", "ES": "EUR", "IN": "INR", "JP": "JPY"}
WOMEN = 0.51
MEAN_DAYS = 400
LAST = datetime(2026, 1, 1)
YOUNGEST, OLDEST = 18, 95
WORDS = 16
IBANS = {"GB", "DE", "FR", "ES"}

Peer = Callable[[], Mapping[str, Any]]


@dataclass(frozen=True)
class Chances:
    """Draws that no peer has a provider for, made by Python's own generator as cheaply as it can; they agree with
    nothing and have no check digits, which ours have."""

    random: Random

    def country(self) -> str:
        """One of the seven, by weight."""
        return self.random.choices(_CODES, cum_weights=_CODE_WEIGHTS)[0]

    def plan(self) -> str:
        """One of three, by weight."""
        return self.random.choices(_PLANS, cum_weights=_PLAN_WEIGHTS)[0]

    def happens(self, share: float) -> bool:
        """True as often as the share says."""
        return self.random.random() < share

    def number(self) -> int:
        """Of eight digits; the same one may come again."""
        return self.random.randrange(10_000_000, 100_000_000)

    def spend(self) -> float:
        """Log-normal."""
        return round(self.random.lognormvariate(_LOG_MEDIAN, 0.9), 2)

    def score(self) -> int:
        """Normal, cut off; correlated with nothing."""
        return min(850, max(300, round(self.random.gauss(640, 85))))

    def seen_after(self, joined: datetime) -> datetime:
        """A moment by an exponential delay."""
        return min(LAST, joined + timedelta(days=self.random.expovariate(1 / MEAN_DAYS)))

    def iban(self, country: str) -> str | None:
        """Return an IBAN as long as a German one; None if the country has none."""
        return f"{country}{self.random.randrange(10**20):020}" if country in IBANS else None


def _cumulated(weights: Mapping[str, int]) -> list[int]:
    total, found = 0, []
    for weight in weights.values():
        total += weight
        found.append(total)
    return found


_CODES, _CODE_WEIGHTS = list(COUNTRIES), _cumulated(COUNTRIES)
_PLANS, _PLAN_WEIGHTS = list(PLANS), _cumulated(PLANS)
_LOG_MEDIAN = math.log(42)
