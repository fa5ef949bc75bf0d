"""Which columns go together: Spearman's correlations as a schema asks for them."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from app.synthetic.fidelity.columns import Floats

SMALLEST = 0.05
"""Correlations below are left out."""
SURE = 4.0
"""Standard errors that a correlation must be away from nothing."""
LARGEST = 0.98
LEAST_ROWS = 30
DECIMALS = 4
MARGIN = 1e-3
"""How far rounded correlations stay away from those that no columns can have."""


def correlations(columns: Mapping[str, Floats]) -> dict[str, dict[str, float]]:
    """Return the rank correlations of correlated columns; NaN marks missing numbers.

    What is asked for is more than what was observed where a column repeats its values, because ties lessen the
    correlation of the draws behind it. All together are ones that some columns can have.
    """
    names = list(columns)
    matrix = np.eye(len(names))
    for one, other in combinations(range(len(names)), 2):
        matrix[one, other] = matrix[other, one] = _asked(columns[names[one]], columns[names[other]])
    bound = [place for place in range(len(names)) if np.count_nonzero(matrix[place]) > 1]
    found = _possible(matrix[np.ix_(bound, bound)]) if bound else matrix
    asked: dict[str, dict[str, float]] = {}
    for one, other in combinations(range(len(bound)), 2):
        if rank := round(float(found[one, other]), DECIMALS):
            asked.setdefault(names[bound[one]], {})[names[bound[other]]] = rank
    return asked


def _asked(one: Floats, other: Floats) -> float:
    both = ~(np.isnan(one) | np.isnan(other))
    if both.sum() < LEAST_ROWS or np.ptp(one[both]) == 0 or np.ptp(other[both]) == 0:
        return 0.0
    rank = float(stats.spearmanr(one[both], other[both]).statistic)
    if abs(rank) < max(SMALLEST, SURE / np.sqrt(both.sum() - 1)):
        return 0.0
    return float(np.clip(rank / (_untied(one[both]) * _untied(other[both])), -LARGEST, LARGEST))


def _untied(values: Floats) -> float:
    """Return what remains of the ranks' spread where equal values share a rank."""
    shares = np.unique(values, return_counts=True)[1] / len(values)
    return float(np.sqrt(1 - (shares**3).sum()))


def _possible(ranks: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the nearest positive semidefinite matrix: raise negative eigenvalues."""
    normal = 2 * np.sin(np.pi / 6 * ranks)
    np.fill_diagonal(normal, 1.0)
    values, vectors = np.linalg.eigh(normal)
    if values[0] < MARGIN:
        normal = vectors * np.maximum(values, 2 * MARGIN) @ vectors.T
        scale = np.sqrt(np.diag(normal))
        normal = normal / scale / scale[:, np.newaxis]
    found: NDArray[np.float64] = 6 / np.pi * np.arcsin(np.clip(normal, -1, 1) / 2)
    return found
