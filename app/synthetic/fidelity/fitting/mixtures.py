"""Mixtures of normal distributions, fitted by scikit-learn."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from scipy import stats
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

from app.synthetic.fidelity.fitting.observed import Floats, Observed

POINTS = 2048
"""Quantiles that a mixture is fitted to, so that the time does not grow with the sample."""
ITERATIONS = 500
TOLERANCE = 1e-7
"""Gain of the mean log-likelihood at which iterations end."""
NARROWEST = 0.005
"""Smallest standard deviation of a part, as a share of that of the sample: a narrower part would be a single number."""
SMALLEST = 0.01
"""Smallest weight of a part."""


@dataclass(frozen=True)
class NormalMixture:
    """Normal distributions by weight; on a logarithmic scale, log-normal ones."""

    weights: Floats
    means: Floats
    deviations: Floats
    logarithmic: bool = False

    def logpdf(self, x: Floats) -> Floats:
        """Return the logarithm of the density."""
        values = np.log(x) if self.logarithmic else x
        density = stats.norm.pdf(values[:, np.newaxis], self.means, self.deviations) @ self.weights
        found: Floats = np.log(density) - (values if self.logarithmic else 0)
        return found

    def cdf(self, x: Floats) -> Floats:
        """Return the share of values up to x."""
        values = np.log(np.maximum(x, 1e-300)) if self.logarithmic else x
        found: Floats = stats.norm.cdf(values[:, np.newaxis], self.means, self.deviations) @ self.weights
        return found


def fit_mixture(observed: Observed, parts: int, *, logarithmic: bool) -> NormalMixture | None:
    """Fit a mixture of so many parts; return None if a part vanished or would stand for a single number."""
    places = (np.arange(POINTS) + 0.5) * observed.rows / POINTS
    values = observed.values[np.searchsorted(np.cumsum(observed.counts), places)]
    values = np.log(values) if logarithmic else values
    deviation = float(values.std())
    if not deviation:
        return None
    scaled = (values - values.mean()) / deviation
    edges = np.linspace(scaled[0], scaled[-1], parts + 1)
    model = GaussianMixture(
        parts,
        tol=TOLERANCE,
        max_iter=ITERATIONS,
        reg_covar=NARROWEST**2,
        means_init=((edges[:-1] + edges[1:]) / 2)[:, np.newaxis],
        precisions_init=np.full((parts, 1, 1), float(parts) ** 2),
        weights_init=np.full(parts, 1 / parts),
        init_params="random",  # unused: all starting values are given
        random_state=0,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(scaled[:, np.newaxis])
    # The regularisation is added to every variance, so it is taken off again.
    spreads = np.sqrt(np.maximum(model.covariances_[:, 0, 0] - NARROWEST**2, 0))
    if model.weights_.min() < SMALLEST or spreads.min() <= NARROWEST:
        return None
    order = np.argsort(model.means_[:, 0])
    means = model.means_[order, 0] * deviation + values.mean()
    return NormalMixture(model.weights_[order], means, spreads[order] * deviation, logarithmic)
