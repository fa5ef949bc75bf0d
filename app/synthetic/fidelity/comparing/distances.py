"""Distances between two samples of one column, how large chance makes them, and how to rate them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from app.synthetic.fidelity.columns import Floats

BINS = 20
"""For the total variation of numbers: each holds as many of the real ones."""
SIGNIFICANCE = 1.6276
"""Kolmogorov's distribution is above this in one case of a hundred."""
SURE = 3.0
"""Standard deviations that chance may add to a distance."""
NEAR, FAR = 0.05, 0.15
"""Distances of shares, beyond what chance makes, from which samples differ somewhat, and much."""
PAIR_NEAR, PAIR_FAR = 0.1, 0.25
"""The same for measures of how two columns go together."""
BLIND = 0.25
"""Where chance alone makes distances as large as this, there are too few values to tell anything."""


def kolmogorov_smirnov(real: Floats, synthetic: Floats) -> float:
    """Return the largest difference of the two empirical distribution functions."""
    values = np.concatenate([real, synthetic])
    below = [np.searchsorted(np.sort(side), values, side="right") / len(side) for side in (real, synthetic)]
    return float(np.abs(below[0] - below[1]).max())


def chance_of_gap(real: float, synthetic: float) -> float:
    """Return the 99% quantile of that gap for equal distributions (Smirnov, 1948)."""
    return SIGNIFICANCE * math.sqrt(1 / real + 1 / synthetic)


def wasserstein(real: Floats, synthetic: Floats) -> float:
    """Return the Wasserstein distance of the samples, in their own unit."""
    return float(stats.wasserstein_distance(real, synthetic))


def total_variation(real: NDArray[np.float64], synthetic: NDArray[np.float64]) -> float:
    """Return the share of values that would have to change their category."""
    return float(np.abs(real / real.sum() - synthetic / synthetic.sum()).sum() / 2)


def chance_of_variation(real: NDArray[np.float64], synthetic: NDArray[np.float64]) -> float:
    """Return what chance alone makes of the total variation: its mean and `SURE` standard deviations.

    Shares of a category differ like normal numbers of the variance p (1 - p) (1 / n + 1 / m).
    """
    share = (real + synthetic) / (real.sum() + synthetic.sum())
    variance = share * (1 - share) * (1 / real.sum() + 1 / synthetic.sum())
    mean = np.sqrt(2 * variance / np.pi).sum() / 2
    spread = math.sqrt(variance.sum() * (1 - 2 / np.pi)) / 2
    return float(mean + SURE * spread)


def binned(real: Floats, synthetic: Floats) -> tuple[Floats, Floats]:
    """Count both samples in bins that hold equally many real numbers; a frequent number has its own bin."""
    edges = np.unique(np.quantile(real, np.linspace(0, 1, BINS + 1)))
    # A value on an edge lies in a bin of its own: else one bin would hold both what is common and what lies beside it.
    places = [
        np.searchsorted(edges, side, "left") + np.searchsorted(edges, side, "right") for side in (real, synthetic)
    ]
    counts = [np.bincount(bins, minlength=2 * len(edges) + 1).astype(np.float64) for bins in places]
    seen = (counts[0] + counts[1]) > 0
    return counts[0][seen], counts[1][seen]


def counted(real: Mapping[str, int], synthetic: Mapping[str, int]) -> tuple[Floats, Floats]:
    """Count each category of either sample in both."""
    names = list(dict.fromkeys([*real, *synthetic]))
    return (
        np.array([real.get(name, 0) for name in names], dtype=np.float64),
        np.array([synthetic.get(name, 0) for name in names], dtype=np.float64),
    )


class Level(StrEnum):
    """A rating of a column, a pair or everything, from good to bad."""

    GOOD = "good"
    FAIR = "fair"
    POOR = "poor"
    NO_DATA = "no data"


WORST_FIRST = (Level.POOR, Level.FAIR, Level.NO_DATA, Level.GOOD)


def level_of(distance: float, chance: float = 0.0, *, near: float = NEAR, far: float = FAR) -> Level:
    """Return the level of a distance that chance makes as large as `chance` where nothing differs."""
    beyond = distance - chance
    if chance > BLIND and beyond <= near:
        return Level.NO_DATA
    if beyond <= near:
        return Level.GOOD
    return Level.FAIR if beyond <= far else Level.POOR


def worst(levels: list[Level]) -> Level:
    """Return the worst of the levels; NO_DATA where there are none."""
    return next((level for level in WORST_FIRST if level in levels), Level.NO_DATA)
