"""What money is worth in each country, and who takes it: nobody real."""

from __future__ import annotations

from functools import cache, cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.synthetic.countries import countries
from app.synthetic.pools import Pool, Rows, read

DATA = Path(__file__).parent / "data"
SALARY, RENT, SUBSCRIPTION, GROCERIES, DINING, SHOPPING, TRAVEL = range(7)
KINDS = ("salary", "rent", "subscription", "groceries", "dining", "shopping", "travel")


class Economies:
    """Currencies and incomes, by the numbers of countries; amounts are in minor units of the currency."""

    def __init__(self) -> None:
        lines = {line["country"]: line for line in read(DATA / "economies.tsv")}
        self.currency = Pool(lines[code]["currency"] for code in countries())
        self.income = np.array([float(lines[code]["income"]) for code in countries()])
        """Median net income of a month."""
        self.step = np.array([float(lines[code]["step"]) for code in countries()])
        """Prices are a minor unit below a multiple of it."""


class Merchants:
    """Names by country and kind of transaction; a merchant is a place in these columns."""

    def __init__(self) -> None:
        codes = list(countries())
        lines = sorted(read(DATA / "merchants.tsv"), key=lambda line: (codes.index(line["country"]), line["kind"]))
        found = [
            (codes.index(line["country"]), KINDS.index(line["kind"]), line["form"].format(name))
            for line in lines
            for name in line["names"].split(",")
        ]
        self.country: Rows = np.array([country for country, _, _ in found], dtype=np.int32)
        self.kind: Rows = np.array([kind for _, kind, _ in found], dtype=np.int32)
        self._names = [name for _, _, name in found]
        group = self.country * len(KINDS) + self.kind
        self._sizes = np.bincount(group, minlength=len(codes) * len(KINDS))
        self._starts = np.array([np.argmax(group == index) for index in range(len(self._sizes))])

    @cached_property
    def names(self) -> Pool:
        """The names, in the order of merchants."""
        return Pool(self._names)

    def nth(self, country: NDArray[np.integer], kind: NDArray[np.integer] | int, number: NDArray[np.integer]) -> Rows:
        """Return a country's merchant of a kind by its number, modulo how many there are."""
        group = country * len(KINDS) + kind
        found: Rows = (self._starts[group] + number % self._sizes[group]).astype(np.int32)
        return found


@cache
def economies() -> Economies:
    """Return the shipped economies."""
    return Economies()


@cache
def merchants() -> Merchants:
    """Return the shipped merchants."""
    return Merchants()
