"""What comes on the same day of every month: salary, rent, subscriptions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from app.synthetic.behaviour.calendar import DAY, Hours, Period
from app.synthetic.behaviour.economies import RENT, SALARY, SUBSCRIPTION, economies, merchants
from app.synthetic.behaviour.entries import Entries
from app.synthetic.behaviour.people import People
from app.synthetic.errors import require

MOST_SUBSCRIPTIONS = 9
PRICES = np.array([0.0011, 0.0018, 0.0024, 0.003, 0.0036, 0.0047, 0.0095])
"""Of subscriptions, as shares of a country's median income of a month."""
EARLIER = 0.6
"""Share of subscriptions that began before the period."""
SHORTEST = 30
EARLIEST = 28
"""The last day that every month has."""


@dataclass(frozen=True, kw_only=True)
class Salary:
    """Every month's income, on its last working day, from one employer; raises ImpossibleParameters."""

    sigma: float = 0.45
    """How much incomes of a country differ: the standard deviation of their logarithms."""
    rise: float = 0.03
    """Mean yearly rise, in a month that each person has; standard deviation half of that, never below 0."""

    hours: ClassVar[Hours] = Hours(((1, 3.5, 0.8),))

    def __post_init__(self) -> None:
        require(0 < self.sigma <= 2, f"sigma is {self.sigma}: it must be above 0 and at most 2")
        require(0 <= self.rise <= 1, f"rise is {self.rise}: it goes from 0 to 1")

    def entries(self, rng: np.random.Generator, people: People, period: Period) -> Entries:
        """Make all salaries of the period."""
        rises = np.maximum(rng.normal(self.rise, self.rise / 2, len(people)), 0)
        month = rng.integers(0, 12, len(people))[:, None]
        employer = merchants().nth(people.country, SALARY, rng.integers(0, 1 << 20, len(people)))
        passed = (period.months - month) // 12 - (period.months[0] - month) // 12
        amount = people.income[:, None] * (1 + rises[:, None]) ** passed
        shape = amount.shape
        person = np.broadcast_to(np.arange(len(people))[:, None], shape).ravel()
        day = np.broadcast_to(period.last_working_days, shape).ravel()
        seconds = (period.first + day) * DAY + self.hours.draw(rng, day.size)
        return Entries.of(person, seconds, SALARY, employer[person], amount.ravel())


@dataclass(frozen=True, kw_only=True)
class Rent:
    """A fixed share of the income on the first day of every month; raises ImpossibleParameters."""

    share: float = 0.3
    """Of income, on average."""
    tenants: float = 0.75
    """Share of people who pay rent."""

    hours: ClassVar[Hours] = Hours(((1, 6.5, 1.0),))

    def __post_init__(self) -> None:
        require(0 < self.share < 1, f"share is {self.share}: it must be above 0 and below 1")
        require(0 <= self.tenants <= 1, f"tenants is {self.tenants}: it is a share, from 0 to 1")

    def entries(self, rng: np.random.Generator, people: People, period: Period) -> Entries:
        """Make all rents of the period."""
        tenants = np.flatnonzero(rng.random(len(people)) < self.tenants)
        landlord = merchants().nth(people.country, RENT, rng.integers(0, 1 << 20, len(people)))
        person = np.repeat(tenants, len(period.months))
        day = np.tile(period.month_starts, len(tenants))
        seconds = (period.first + day) * DAY + self.hours.draw(rng, day.size)
        return Entries.of(person, seconds, RENT, landlord[person], -(people.income * people.budget[:, RENT])[person])


@dataclass(frozen=True, kw_only=True)
class Subscriptions:
    """Fixed amounts on fixed days of the month, each from its begin to its end; raises ImpossibleParameters."""

    mean: float = 3.5
    """How many a person has had by the end (Poisson, at most 9)."""
    mean_days: float = 500.0
    """How long one is kept after its first 30 days (exponential)."""

    hours: ClassVar[Hours] = Hours(((1, 5.0, 1.0),))

    def __post_init__(self) -> None:
        require(0 <= self.mean <= MOST_SUBSCRIPTIONS, f"mean is {self.mean}: it goes from 0 to {MOST_SUBSCRIPTIONS}")
        require(0 < self.mean_days <= 10_000, f"mean_days is {self.mean_days}: it must be above 0 and at most 10000")

    def entries(self, rng: np.random.Generator, people: People, period: Period) -> Entries:
        """Make all payments of the period."""
        count = np.minimum(rng.poisson(self.mean, len(people)), MOST_SUBSCRIPTIONS)
        person = np.repeat(np.arange(len(people)), count)
        first, last = self._times(rng, person.size, period)
        payday = rng.integers(0, EARLIEST, person.size)
        provider = self._providers(rng, people, person)
        price = self._prices(rng, people, person)
        day = period.month_starts + payday[:, None]
        held, month = np.nonzero((day >= first[:, None]) & (day < last[:, None]))
        seconds = (period.first + day[held, month]) * DAY + self.hours.draw(rng, held.size)
        return Entries.of(person[held], seconds, SUBSCRIPTION, provider[held], -price[held])

    def _times(
        self, rng: np.random.Generator, rows: int, period: Period
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Draw the first day of each subscription and the day after its last."""
        first = np.where(rng.random(rows) < EARLIER, 0, rng.integers(0, period.days, rows))
        return first, first + SHORTEST + rng.exponential(self.mean_days, rows)

    def _providers(self, rng: np.random.Generator, people: People, person: NDArray[np.int64]) -> NDArray[np.int32]:
        """Draw different providers for each person, as far as the country has enough."""
        begins = np.searchsorted(person, np.arange(len(people)))
        number = rng.integers(0, 1 << 20, len(people))[person] + np.arange(person.size) - begins[person]
        return merchants().nth(people.country[person], SUBSCRIPTION, number)

    def _prices(self, rng: np.random.Generator, people: People, person: NDArray[np.int64]) -> NDArray[np.float64]:
        country = people.country[person]
        step = economies().step[country]
        price = rng.choice(PRICES, person.size) * economies().income[country]
        prices: NDArray[np.float64] = np.maximum(np.rint(price / step), 1) * step - 1
        return prices
