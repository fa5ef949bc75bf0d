"""Mixtures of normal distributions by expectation and maximisation (Dempster, Laird and Rubin, 1977)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.synthetic.fidelity.fitting.observed import Floats, Observed

POINTS = 4096
"""What an iteration works on: quantiles of the numbers, where there are more of these."""
ITERATIONS = 500
ENOUGH = 1e-7
"""An iteration that gains less for a number is the last one."""
NARROWEST = 0.005
"""Deviation of a part, of that of all: a narrower one would stand for a single number."""
SMALLEST = 0.01
"""Weight of a part."""
ROOT = np.sqrt(2 * np.pi)


@dataclass(frozen=True)
class NormalMixture:
    """Normal distributions by weight; on a logarithmic scale, log-normal ones."""

    weights: Floats
    means: Floats
    deviations: Floats
    logarithmic: bool = False

    def logpdf(self, x: Floats) -> Floats:
        """Logarithm of the density."""
        values = np.log(x) if self.logarithmic else x
        found: Floats = np.log(self._densities(values).sum(axis=1)) - (values if self.logarithmic else 0)
        return found

    def cdf(self, x: Floats) -> Floats:
        """Share of what is at most x."""
        from scipy.special import ndtr

        values = np.log(np.maximum(x, 1e-300)) if self.logarithmic else x
        found: Floats = ndtr((values[:, np.newaxis] - self.means) / self.deviations) @ self.weights
        return found

    def responsibilities(self, values: Floats) -> tuple[Floats, Floats]:
        """How much of each value is each part's, and the values' densities."""
        densities = self._densities(values)
        total = np.maximum(densities.sum(axis=1), 1e-300)
        return densities / total[:, np.newaxis], total

    def _densities(self, values: Floats) -> Floats:
        distance = (values[:, np.newaxis] - self.means) / self.deviations
        found: Floats = np.exp(-0.5 * distance**2) * (self.weights / (self.deviations * ROOT))
        return found


def fit_mixture(observed: Observed, parts: int, *, logarithmic: bool) -> NormalMixture | None:
    """So many parts; None where fewer would do: a part vanished, or would stand for a single number."""
    values, weights = _points(observed)
    values = np.log(values) if logarithmic else values
    begun = _begun(values, parts)
    narrowest = NARROWEST * float(values.std())
    if not narrowest:
        return None
    found = _improved(begun, values, weights, narrowest)
    if found.weights.min() < SMALLEST or found.deviations.min() <= narrowest:
        return None
    order = np.argsort(found.means)
    return NormalMixture(found.weights[order], found.means[order], found.deviations[order], logarithmic)


def _improved(mixture: NormalMixture, values: Floats, weights: Floats, narrowest: float) -> NormalMixture:
    before = -np.inf
    for _ in range(ITERATIONS):
        shares, total = mixture.responsibilities(values)
        likelihood = float(np.log(total) @ weights)
        if likelihood - before < ENOUGH:
            break
        before = likelihood
        weighted = shares * weights[:, np.newaxis]
        sizes = np.maximum(weighted.sum(axis=0), 1e-12)
        means = values @ weighted / sizes
        squares = ((values[:, np.newaxis] - means) ** 2 * weighted).sum(axis=0) / sizes
        mixture = NormalMixture(sizes, means, np.maximum(np.sqrt(squares), narrowest))
    return mixture


def _points(observed: Observed) -> tuple[Floats, Floats]:
    if len(observed.values) <= POINTS:
        return observed.values, observed.counts / observed.rows
    places: NDArray[Any] = (np.arange(POINTS) + 0.5) * observed.rows / POINTS
    values = observed.values[np.searchsorted(np.cumsum(observed.counts), places)]
    return values, np.full(POINTS, 1 / POINTS)


def _begun(values: Floats, parts: int) -> NormalMixture:
    """Each part at home in as much of the range as the others."""
    edges = np.linspace(values.min(), values.max(), parts + 1)
    home = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, parts - 1)
    means = np.array([values[home == part].mean() if (home == part).any() else edges[part] for part in range(parts)])
    return NormalMixture(np.full(parts, 1 / parts), means, np.full(parts, values.std() / parts))
