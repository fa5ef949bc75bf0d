"""Draws by weight."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from app.synthetic.errors import require


class Weights:
    """Places 0 to n - 1, each drawn as often as its weight says; raises ImpossibleParameters.

    Walker's alias method as Vose builds it (IEEE Transactions on Software Engineering 17, 1991): a draw costs the same
    for ten places as for a million.
    """

    def __init__(self, weights: Sequence[float] | NDArray[np.float64]) -> None:
        given = np.asarray(weights, dtype=np.float64)
        require(given.ndim == 1 and len(given) > 0, "weights are needed for at least one value")
        require(bool(np.isfinite(given).all() and (given >= 0).all()), "a weight is negative or no number")
        require(given.sum() > 0, "all weights are 0")
        self._share, self._alias = alias_table(given * (len(given) / given.sum()))

    def __len__(self) -> int:
        return len(self._share)

    def draw(self, rng: np.random.Generator, rows: int) -> NDArray[np.int32]:
        """Draw a place for each row."""
        point = rng.random(rows)
        point *= len(self._share)
        place = point.astype(np.int32)
        point -= place
        return np.where(point < self._share[place], place, self._alias[place])


def alias_table(scaled: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """Return, for weights of mean 1, each place's own share and the alias that gets the rest."""
    share = scaled.tolist()
    alias = list(range(len(share)))
    small = [place for place, weight in enumerate(share) if weight < 1]
    large = [place for place, weight in enumerate(share) if weight >= 1]
    while small and large:
        less, more = small.pop(), large[-1]
        alias[less] = more
        share[more] -= 1 - share[less]
        if share[more] < 1:
            small.append(large.pop())
    for place in (*small, *large):
        share[place] = 1.0  # what rounding has left over
    return np.array(share), np.array(alias, dtype=np.int32)
