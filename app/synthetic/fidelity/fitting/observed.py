"""Numbers as they were observed: each different value once, with how often it stands there."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
MOST_DECIMALS = 6
"""Numbers with more are taken as not rounded."""
EXACT = 1e-9
"""Below this, an interval's probability is its density times its width: a difference of shares is no more exact."""
DIGITS = 6
"""Significant ones of a parameter in a schema."""


class Law(Protocol):
    """A distribution of numbers, as SciPy gives them."""

    def logpdf(self, x: Floats) -> Floats:
        """Return logarithm of the density."""

    def cdf(self, x: Floats) -> Floats:
        """Return the share of values up to x."""


@dataclass(frozen=True)
class Observed:
    """Different values in their order, and how often each was seen."""

    values: Floats
    counts: NDArray[np.int64]

    @classmethod
    def of(cls, numbers: Floats) -> Observed:
        """Observe numbers, all of them finite."""
        values, counts = np.unique(numbers, return_counts=True)
        return cls(values, counts)

    @cached_property
    def rows(self) -> int:
        """How many numbers there are."""
        return int(self.counts.sum())

    @cached_property
    def decimals(self) -> int | None:
        """How many decimals all of them have at most; None where they are not rounded."""
        return next((places for places in range(MOST_DECIMALS + 1) if self._rounded_to(places)), None)

    @property
    def is_whole(self) -> bool:
        """Whether all are whole numbers."""
        return self.decimals == 0

    @property
    def low(self) -> float:
        """The least."""
        return float(self.values[0])

    @property
    def high(self) -> float:
        """The greatest."""
        return float(self.values[-1])

    @property
    def span(self) -> float:
        """From the least to the greatest."""
        return self.high - self.low

    def mean(self, of: Floats | None = None) -> float:
        """Return the mean of the numbers, or of their transformed values."""
        return float(np.average(self.values if of is None else of, weights=self.counts))

    def deviation(self, of: Floats | None = None) -> float:
        """Return the standard deviation of the same."""
        return math.sqrt(self.mean(((self.values if of is None else of) - self.mean(of)) ** 2))

    def without_zeros(self) -> Observed:
        """Return the numbers that are not 0."""
        other = self.values != 0
        return Observed(self.values[other], self.counts[other])

    def log_likelihood(self, law: Law) -> float:
        """Return a law's log-likelihood: rounded numbers by the probability of their interval, others by the density.

        So laws of whole numbers and of all numbers can be measured against each other.
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            each = law.logpdf(self.values) if self.decimals is None else self._log_mass(law, 10.0**-self.decimals)
        return float(each @ self.counts)

    def distance(self, law: Law) -> float:
        """Return the Kolmogorov-Smirnov distance of a law from the observed numbers."""
        step = 0.0 if self.decimals is None else 10.0**-self.decimals
        above = np.cumsum(self.counts) / self.rows
        if step:
            return float(np.abs(law.cdf(self.values + step / 2) - above).max())
        theirs = law.cdf(self.values)
        return float(max(np.abs(theirs - above).max(), np.abs(theirs - (above - self.counts / self.rows)).max()))

    def outward(self, digits: int = 0) -> tuple[float, float]:
        """Return round numbers just outside the range: no limit of a schema is somebody's own number.

        They are multiples of the power of ten below the span, or of one that is so many digits finer, but not finer
        than the numbers are themselves.
        """
        places = digits - math.floor(math.log10(self.span)) if self.span else 0
        if self.decimals is not None:
            places = min(places, self.decimals)
        step = 10.0**-places
        low, high = math.floor(self.low / step + EXACT), math.ceil(self.high / step - EXACT)
        return round(low * step, max(places, 0)), round(high * step, max(places, 0))

    def _rounded_to(self, places: int) -> bool:
        return bool((np.round(self.values, places) == self.values).all())

    def _log_mass(self, law: Law, step: float) -> Floats:
        mass = law.cdf(self.values + step / 2) - law.cdf(self.values - step / 2)
        dense = mass < EXACT
        found = np.log(mass, where=~dense, out=np.empty_like(mass))
        found[dense] = law.logpdf(self.values[dense]) + math.log(step)
        return found


def significant(number: float, digits: int = DIGITS) -> float:
    """Round a number to so many significant digits."""
    return float(f"{number:.{digits}g}")
