"""What is bought when people go out to buy: by the rhythm of weeks and seasons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from app.synthetic.behaviour.calendar import DAY, Hours, Period
from app.synthetic.behaviour.economies import DINING, GROCERIES, SHOPPING, TRAVEL, merchants
from app.synthetic.behaviour.entries import Entries
from app.synthetic.behaviour.people import People
from app.synthetic.countries import countries
from app.synthetic.errors import require
from app.synthetic.numbers.weights import Weights

WEEKS_A_MONTH = 365.25 / 12 / 7
LOYALTY = Weights([40, 25, 15, 10, 6, 4])
"""How often people go to their first, second and further merchant of a kind."""
EVENNESS = 4.0
"""How alike people are in how often they buy (shape of a gamma distribution)."""
MOST = 1.0
"""Nobody spends more than this at once, as a share of the income of a month."""


@dataclass(frozen=True, kw_only=True)
class Purchases:
    """Purchases of one kind: how often is Poisson, how much log-normal; raises ImpossibleParameters.

    Whoever buys more often spends less at once: a person's share of income is what it is.
    """

    share: float
    """Of income, on average."""
    weekly: float
    """How many a week, on average over people and seasons."""
    sigma: float
    """Standard deviation of the logarithm of a person's amounts."""

    kind: ClassVar[int]
    hours: ClassVar[Hours]
    week: ClassVar[tuple[float, ...]]
    """How frequent they are from Monday to Sunday."""
    year: ClassVar[tuple[float, ...]]
    """How frequent they are from January to December."""
    abroad: ClassVar[float] = 0.0
    """Share of purchases from merchants of other countries."""

    def __post_init__(self) -> None:
        require(0 < self.share < 1, f"share is {self.share}: it must be above 0 and below 1")
        require(0 < self.weekly <= 100, f"weekly is {self.weekly}: it must be above 0 and at most 100")
        require(0 < self.sigma <= 2, f"sigma is {self.sigma}: it must be above 0 and at most 2")

    def entries(self, rng: np.random.Generator, people: People, period: Period) -> Entries:
        """Draw all purchases of the period."""
        weekly = self.weekly * rng.gamma(EVENNESS, 1 / EVENNESS, len(people))
        rhythm = period.rhythm(self.week, self.year)
        count = rng.poisson(weekly / 7 * rhythm.sum())
        person = np.repeat(np.arange(len(people)), count)
        day = Weights(rhythm).draw(rng, person.size)
        seconds = (period.first + day.astype(np.int64)) * DAY + self.hours.draw(rng, person.size)
        merchant = self._merchants(rng, people, person)
        mean = people.income * people.budget[:, self.kind] / (weekly * WEEKS_A_MONTH)
        spread = rng.standard_normal(person.size) * self.sigma - self.sigma**2 / 2
        amount = np.minimum(mean[person] * np.exp(spread), MOST * people.income[person])
        return Entries.of(person, seconds, self.kind, merchant, -np.maximum(amount, 1))

    def _merchants(self, rng: np.random.Generator, people: People, person: NDArray[np.int64]) -> NDArray[np.int32]:
        favourite = rng.integers(0, 1 << 20, len(people))
        country = people.country[person]
        if self.abroad:
            country = np.where(rng.random(person.size) < self.abroad, foreign(rng, country), country)
        return merchants().nth(country, self.kind, favourite[person] + LOYALTY.draw(rng, person.size))


@dataclass(frozen=True, kw_only=True)
class Groceries(Purchases):
    """Food: most on Saturdays."""

    share: float = 0.15
    weekly: float = 2.2
    sigma: float = 0.55

    kind = GROCERIES
    hours = Hours(((45, 17.8, 1.5), (35, 11.3, 1.8), (20, 14.5, 2.0)))
    week = (0.8, 0.75, 0.85, 0.95, 1.3, 1.7, 0.65)
    year = (0.97, 0.97, 1, 1, 1, 1, 0.98, 0.96, 1, 1, 1.02, 1.15)


@dataclass(frozen=True, kw_only=True)
class Dining(Purchases):
    """Restaurants and cafés: evenings and weekends, summer and December."""

    share: float = 0.08
    weekly: float = 1.8
    sigma: float = 0.6

    kind = DINING
    hours = Hours(((35, 12.8, 0.7), (45, 19.8, 1.2), (20, 9.0, 1.2)))
    week = (0.65, 0.7, 0.8, 0.95, 1.4, 1.6, 0.9)
    year = (0.8, 0.85, 0.93, 0.97, 1.05, 1.15, 1.2, 1.15, 1, 0.95, 0.9, 1.25)


@dataclass(frozen=True, kw_only=True)
class Shopping(Purchases):
    """Clothes, devices, books: before the end of the year above all."""

    share: float = 0.14
    weekly: float = 0.9
    sigma: float = 0.8

    kind = SHOPPING
    hours = Hours(((60, 15.5, 2.5), (40, 20.5, 1.3)))
    week = (0.85, 0.85, 0.9, 0.95, 1.1, 1.5, 0.85)
    year = (0.85, 0.8, 0.9, 0.95, 0.95, 0.95, 0.95, 0.9, 0.95, 1, 1.4, 1.6)
    abroad = 0.04


@dataclass(frozen=True, kw_only=True)
class Travel(Purchases):
    """Journeys: summer and December."""

    share: float = 0.08
    weekly: float = 0.25
    sigma: float = 0.8

    kind = TRAVEL
    hours = Hours(((50, 13.0, 3.0), (50, 19.5, 1.8)))
    week = (1, 0.95, 0.95, 1, 1.15, 1, 0.95)
    year = (0.6, 0.65, 0.8, 0.95, 1.1, 1.5, 1.9, 1.7, 0.9, 0.7, 0.55, 1.3)
    abroad = 0.3


def foreign(rng: np.random.Generator, country: NDArray[np.integer]) -> NDArray[np.integer]:
    """Draw a different country for each of these."""
    number = len(countries())
    return (country + rng.integers(1, number, len(country))) % number
