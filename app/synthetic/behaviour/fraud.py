"""What thieves do with the number of somebody's card."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from app.synthetic.behaviour.calendar import DAY, Period
from app.synthetic.behaviour.economies import SHOPPING, TRAVEL, economies, merchants
from app.synthetic.behaviour.entries import FRAUD, Entries
from app.synthetic.behaviour.people import People
from app.synthetic.behaviour.purchases import foreign
from app.synthetic.errors import require
from app.synthetic.pools import offsets

DAYS_A_YEAR = 365.25


@dataclass(frozen=True, kw_only=True)
class FraudBursts:
    """Bursts at night: some small amounts to try a card, then a few large ones; raises ImpossibleParameters.

    They begin from midnight to five where the person lives, and merchants are of other countries.
    """

    yearly: float = 0.05
    """How many a person suffers in a year (Poisson)."""
    small: float = 5.0
    """How many small amounts come on average after the first three (Poisson)."""
    large: float = 1.5
    """How many large amounts come on average after the first one (Poisson)."""
    mean_seconds: float = 150.0
    """Mean time between two (exponential)."""

    latest: ClassVar[int] = 5 * 3600
    tried: ClassVar[tuple[float, float]] = (0.0002, 0.0015)
    """Small amounts, as shares of the country's median income of a month."""
    taken: ClassVar[tuple[float, float, float, float]] = (0.25, 0.4, 0.06, 1.0)
    """Large amounts, as shares of the person's income of a month: median, sigma, least, most."""

    def __post_init__(self) -> None:
        require(0 <= self.yearly <= 50, f"yearly is {self.yearly}: it goes from 0 to 50")
        require(0 <= self.small <= 100, f"small is {self.small}: it goes from 0 to 100")
        require(0 <= self.large <= 20, f"large is {self.large}: it goes from 0 to 20")
        require(1 <= self.mean_seconds <= 600, f"mean_seconds is {self.mean_seconds}: it goes from 1 to 600")

    def entries(self, rng: np.random.Generator, people: People, period: Period) -> Entries:
        """Draw all fraud of the period."""
        bursts = np.minimum(rng.poisson(self.yearly / DAYS_A_YEAR * period.days, len(people)), period.days)
        victim = np.repeat(np.arange(len(people)), bursts)
        small = 3 + rng.poisson(self.small, victim.size)
        length = small + 1 + rng.poisson(self.large, victim.size)
        person = np.repeat(victim, length)
        is_large = offsets(length) >= np.repeat(small, length)
        seconds = self._times(rng, length, self._nights(rng, bursts, period))
        amount = np.where(is_large, self._large(rng, people, person), self._small(rng, people, person))
        kind = np.where(rng.random(person.size) < 0.6, SHOPPING, TRAVEL)
        # One place abroad for a burst: thieves have one till.
        country = np.repeat(foreign(rng, people.country[victim]), length)
        merchant = merchants().nth(country, kind, rng.integers(0, 1 << 20, person.size))
        return Entries.of(person, seconds, kind, merchant, -amount, FRAUD)

    def _nights(self, rng: np.random.Generator, bursts: NDArray[np.int64], period: Period) -> NDArray[np.int64]:
        """Draw the nights in days since 1970; a person's bursts lie in separate parts of the period."""
        number, count = offsets(bursts), np.repeat(bursts, bursts)
        first = period.days * number // count
        nights: NDArray[np.int64] = period.first + rng.integers(first, period.days * (number + 1) // count)
        return nights

    def _times(self, rng: np.random.Generator, length: NDArray[np.int64], day: NDArray[np.int64]) -> NDArray[np.int64]:
        begin = day * DAY + rng.integers(0, self.latest, length.size)
        waits = 1 + rng.exponential(self.mean_seconds, int(length.sum())).astype(np.int64)
        passed = np.cumsum(waits)
        firsts = np.cumsum(length) - length
        since = passed - np.repeat(passed[firsts], length)
        midnight = np.repeat((day + 1) * DAY, length)
        moments: NDArray[np.int64] = np.minimum(np.repeat(begin, length) + since, midnight - 1)
        return moments

    def _small(self, rng: np.random.Generator, people: People, person: NDArray[np.int64]) -> NDArray[np.float64]:
        share = rng.uniform(*self.tried, person.size)
        amounts: NDArray[np.float64] = share * economies().income[people.country[person]]
        return amounts

    def _large(self, rng: np.random.Generator, people: People, person: NDArray[np.int64]) -> NDArray[np.float64]:
        median, sigma, least, most = self.taken
        share = np.clip(median * np.exp(rng.normal(0.0, sigma, person.size)), least, most)
        return share * people.income[person]
