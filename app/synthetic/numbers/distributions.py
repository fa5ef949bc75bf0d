"""The distributions that schemas name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from app.synthetic.chunks import Chunk
from app.synthetic.columns import Column, Needed
from app.synthetic.errors import require
from app.synthetic.numbers.number import Number

LARGEST_MEAN = 1e9
"""Of a Poisson distribution; far beyond it nobody can tell it from a normal one."""


@dataclass(frozen=True, kw_only=True)
class Uniform(Number):
    """Every number from `low` up to, not with, `high` alike."""

    low: float = 0.0
    high: float = 1.0

    def check(self) -> None:
        require(self.low < self.high, f"low is {self.low}, and high only {self.high}")

    def draw(self, rng: np.random.Generator, rows: int) -> NDArray[np.float64]:
        return rng.uniform(self.low, self.high, rows)


@dataclass(frozen=True, kw_only=True)
class Normal(Number):
    """The normal distribution."""

    mean: float = 0.0
    deviation: float = 1.0
    """Standard deviation."""

    def check(self) -> None:
        require(self.deviation > 0, f"deviation is {self.deviation}: it must be above 0")

    def draw(self, rng: np.random.Generator, rows: int) -> NDArray[np.float64]:
        return rng.normal(self.mean, self.deviation, rows)


@dataclass(frozen=True, kw_only=True)
class LogNormal(Number):
    """Numbers whose logarithms are normal: incomes, prices, sizes."""

    median: float
    sigma: float
    """Standard deviation of the natural logarithm."""

    def check(self) -> None:
        require(self.median > 0, f"median is {self.median}: it must be above 0")
        require(0 < self.sigma <= 10, f"sigma is {self.sigma}: it must be above 0 and at most 10")

    def draw(self, rng: np.random.Generator, rows: int) -> NDArray[np.float64]:
        return self.median * np.exp(rng.normal(0.0, self.sigma, rows))


@dataclass(frozen=True, kw_only=True)
class Pareto(Number):
    """A power law: few are very large. The share above x is (minimum / x) ** alpha."""

    minimum: float
    alpha: float

    def check(self) -> None:
        require(self.minimum > 0, f"minimum is {self.minimum}: it must be above 0")
        require(self.alpha > 0.1, f"alpha is {self.alpha}: it must be above 0.1, or numbers leave all bounds")

    def draw(self, rng: np.random.Generator, rows: int) -> NDArray[np.float64]:
        return self.minimum * (1.0 + rng.pareto(self.alpha, rows))


@dataclass(frozen=True, kw_only=True)
class Poisson(Number):
    """How often something happens that happens `mean` times on average."""

    mean: float
    decimals: int | None = 0

    def check(self) -> None:
        require(0 <= self.mean <= LARGEST_MEAN, f"mean is {self.mean}: it goes from 0 to {LARGEST_MEAN:.0f}")

    def draw(self, rng: np.random.Generator, rows: int) -> NDArray[np.float64]:
        return rng.poisson(self.mean, rows).astype(np.float64)


@dataclass(frozen=True, kw_only=True)
class Integers(Column):
    """Whole numbers from `low` to `high`, both included, every one alike."""

    low: int
    high: int
    unique: bool = False
    """Never the same number twice."""

    type = pa.int64()

    def __post_init__(self) -> None:
        require(self.low <= self.high, f"low is {self.low}, and high only {self.high}")
        require(self.low >= -(1 << 62) and self.high < 1 << 62, "low and high must be within 62 bits")

    @property
    def capacity(self) -> int | None:
        return self._size if self.unique else None

    def make(self, chunk: Chunk, needed: Needed) -> pa.Array:
        if self.unique:
            return pa.array(self.low + chunk.distinct(self._size))
        return pa.array(chunk.rng().integers(self.low, self.high, chunk.rows, endpoint=True))

    @property
    def _size(self) -> int:
        return self.high - self.low + 1


KINDS: Mapping[str, type[Column]] = {
    "number.integer": Integers,
    "number.uniform": Uniform,
    "number.normal": Normal,
    "number.lognormal": LogNormal,
    "number.pareto": Pareto,
    "number.poisson": Poisson,
}
