"""Several distributions in one column: most bills are small, a few are very large."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator, InstanceOf

from app.synthetic.columns import Column
from app.synthetic.errors import ImpossibleParameters, require
from app.synthetic.numbers.number import Number
from app.synthetic.numbers.weights import Weights
from app.synthetic.registry import column_of


def _read_number(given: Any) -> Any:
    """Read a part from a schema file: the name of a kind, or a mapping with its parameters."""
    if isinstance(given, Number):
        return given
    column = column_of(given)
    if not isinstance(column, Number):
        raise ImpossibleParameters("a part of a mixture must be a distribution of numbers")
    return column


@dataclass(frozen=True, kw_only=True)
class Part:
    """One of the distributions of a mixture, and how much of it."""

    weight: float
    of: Annotated[InstanceOf[Number], BeforeValidator(_read_number)]


@dataclass(frozen=True, kw_only=True)
class Mixture(Number):
    """Each number comes from one of the parts, which are drawn by weight."""

    parts: Sequence[Part]

    def check(self) -> None:
        require(len(self.parts) > 0, "a mixture has no parts")
        _ = self._weights

    def draw(self, rng: np.random.Generator, rows: int) -> NDArray[np.float64]:
        chosen = self._weights.draw(rng, rows)
        values = np.empty(rows)
        for place, part in enumerate(self.parts):
            own = np.flatnonzero(chosen == place)
            values[own] = part.of.limited(rng, own.size)
        return values

    @cached_property
    def _weights(self) -> Weights:
        return Weights([part.weight for part in self.parts])


KINDS: Mapping[str, type[Column]] = {"number.mixture": Mixture}
