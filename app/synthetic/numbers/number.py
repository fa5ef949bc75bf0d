"""What all columns of numbers have in common: limits and decimals."""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from app.synthetic.chunks import Chunk
from app.synthetic.columns import Column, Needed
from app.synthetic.errors import require

TRIAL = 4096
LEAST_INSIDE = 0.01
"""Where fewer draws than this fall between the limits, they are refused: redrawing would take too long."""
MOST_DECIMALS = 12
LARGEST = 1e100
"""What parameters may be, so that nothing that is computed from them leaves the range of floats."""
EXACT = float(1 << 53)
"""Whole numbers beyond this are not all floats: those that are drawn there become this."""
MOST_BEYOND = 0.01
"""Where more draws than this lie beyond that, they are refused: they would all be one number."""


@dataclass(frozen=True, kw_only=True)
class Number(Column):
    """A distribution, cut off at limits and rounded; raises ImpossibleParameters."""

    least: float | None = None
    """Draws below are drawn again."""
    most: float | None = None
    """Draws above are drawn again."""
    decimals: int | None = None
    """Decimals to round to; 0 makes whole numbers (64-bit integers), None leaves the draws as they are."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, int | float):
                require(abs(value) <= LARGEST, f"{field.name} is {value}: it must be finite, and at most {LARGEST}")
        require(
            self.decimals is None or 0 <= self.decimals <= MOST_DECIMALS,
            f"decimals is {self.decimals}: it goes from 0 to {MOST_DECIMALS}",
        )
        self.check()
        if self.least is not None and self.most is not None:
            require(self.least < self.most, f"least is {self.least}, and most only {self.most}")
        if self.least is not None or self.most is not None or self.decimals == 0:
            self._try()

    def _try(self) -> None:
        """Raise ImpossibleParameters where limits, or what whole numbers can be, leave too few of the draws."""
        trial = self.draw(np.random.default_rng(0), TRIAL)
        inside = self._inside(trial)
        require(inside.mean() >= LEAST_INSIDE, "fewer than 1 in 100 draws fall between least and most")
        if self.decimals == 0:
            beyond = (np.abs(trial[inside]) > EXACT).mean()
            require(beyond <= MOST_BEYOND, "more than 1 in 100 whole numbers lie beyond 2**53: do not round them")

    @abstractmethod
    def draw(self, rng: np.random.Generator, rows: int) -> NDArray[np.float64]:
        """Draw `rows` values, unlimited and unrounded."""

    def check(self) -> None:
        """Raise ImpossibleParameters where the distribution's own parameters are impossible."""

    @cached_property
    def type(self) -> pa.DataType:
        return pa.int64() if self.decimals == 0 else pa.float64()

    def make(self, chunk: Chunk, needed: Needed) -> pa.Array:
        return self.shaped(self.limited(chunk.rng(), chunk.rows))

    def limited(self, rng: np.random.Generator, rows: int) -> NDArray[np.float64]:
        """Draw `rows` values within the limits."""
        values = self.draw(rng, rows)
        if self.least is None and self.most is None:
            return values
        while (outside := np.flatnonzero(~self._inside(values))).size:
            values[outside] = self.draw(rng, outside.size)
        return values

    def shaped(self, values: NDArray[np.float64]) -> pa.Array:
        """Round the values and convert them to the column's type."""
        if self.decimals is None:
            return pa.array(values)
        rounded = np.round(values, self.decimals)
        return pa.array(np.clip(rounded, -EXACT, EXACT).astype(np.int64) if self.decimals == 0 else rounded)

    def _inside(self, values: NDArray[np.float64]) -> NDArray[np.bool_]:
        low = -math.inf if self.least is None else self.least
        high = math.inf if self.most is None else self.most
        return (values >= low) & (values <= high)
