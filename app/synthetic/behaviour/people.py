"""Who the account holders of a chunk are, and what they have to spend."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from app.synthetic.behaviour.calendar import Period
from app.synthetic.behaviour.economies import economies
from app.synthetic.pools import Rows

CONCENTRATION = 80.0
"""How alike people share out their incomes (the sum of a Dirichlet distribution's parameters)."""


@dataclass(frozen=True)
class People:
    """Account holders, a place in each column one person."""

    country: Rows
    zone: Rows
    """Time zone, as the gazetteer numbers them."""
    first_day: NDArray[np.int64]
    """The day of the period on which their account is opened; 0 where it was before."""
    income: NDArray[np.float64]
    """Net, a month, at the start, in minor units of their currency."""
    budget: NDArray[np.float64]
    """What share of the income goes to each kind of transaction."""

    def __len__(self) -> int:
        return len(self.country)


def incomes(rng: np.random.Generator, country: Rows, sigma: float) -> NDArray[np.float64]:
    """Draw log-normal incomes around the country's median."""
    return economies().income[country] * np.exp(rng.normal(0.0, sigma, len(country)))


def budgets(rng: np.random.Generator, shares: NDArray[np.float64], people: int) -> NDArray[np.float64]:
    """Draw each person's share of income for each kind around these means; the rest is saved, so sums stay below 1."""
    means = np.append(shares, 1 - shares.sum())
    return rng.dirichlet(CONCENTRATION * means, people)[:, :-1]


def opened(since: pa.Array, period: Period) -> NDArray[np.int64]:
    """Return the first day that lies after these moments in every time zone."""
    micros = since.cast(pa.timestamp("us")).view(pa.int64()).fill_null(0).to_numpy()
    days: NDArray[np.int64] = np.maximum(micros // (86_400 * 1_000_000) + 2 - period.first, 0)
    return days
