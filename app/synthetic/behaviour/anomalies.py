"""What goes wrong in a time series, where, and what it is called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from app.synthetic.errors import UnknownName, require
from app.synthetic.numbers.weights import Weights
from app.synthetic.pools import offsets

NORMAL, SPIKE, LEVEL_SHIFT, DRIFT, DROPOUT, FROZEN, GAP = range(7)
LABELS = ("normal", "spike", "level_shift", "drift", "dropout", "frozen", "gap")
ANOMALOUS = LABELS[SPIKE:GAP]
ROOM = 20
"""Points of a series for each of its anomalies, at least."""
LONGEST_SPIKE = 3
SHORTEST = 4
"""Points of every anomaly but a spike."""


class UnknownAnomaly(UnknownName):
    """Series have no anomalies of that name."""


@dataclass(frozen=True)
class Windows:
    """Where anomalies are: of which series, from which point on, how many points, which, and how large."""

    series: NDArray[np.int64]
    start: NDArray[np.int64]
    length: NDArray[np.int64]
    label: NDArray[np.int64]
    size: NDArray[np.float64]
    """By how much values are off, as a multiple of the noise's standard deviation."""


@dataclass(frozen=True, kw_only=True)
class Anomalies:
    """How many anomalies a series has, and of which kinds; raises UnknownAnomaly and ImpossibleParameters.

    A spike lasts up to three points; a level shift and a drift come back at their end; in a dropout values are 0; a
    frozen series repeats the value before. Two anomalies never touch, and the first point is normal.
    """

    mean: float = 4.0
    """Of a Poisson distribution."""
    strength: float = 8.0
    """The least that a spike, a shift or the end of a drift is off, in standard deviations of the noise."""
    length: float = 0.01
    """Mean length of all but spikes, as a share of the series; some are longer (exponential)."""
    kinds: Mapping[str, float] = field(default_factory=lambda: dict.fromkeys(ANOMALOUS, 1.0))
    """How frequent each is."""

    def __post_init__(self) -> None:
        require(0 <= self.mean <= 1000, f"mean is {self.mean}: it goes from 0 to 1000")
        require(0 < self.strength <= 1000, f"strength is {self.strength}: it must be above 0 and at most 1000")
        require(0 < self.length <= 0.5, f"length is {self.length}: it is a share, above 0 and at most 0.5")
        for name in self.kinds:
            if name not in ANOMALOUS:
                raise UnknownAnomaly("anomaly", name, ANOMALOUS)
        _ = self._weights

    def draw(self, rng: np.random.Generator, series: int, points: int) -> Windows:
        """Draw anomalies that do not overlap within a series."""
        count: NDArray[np.int64] = np.minimum(rng.poisson(self.mean, series), points // ROOM)
        total = int(count.sum())
        number, of = offsets(count), np.repeat(np.arange(series), count)
        first = points * number // count[of]
        room = points * (number + 1) // count[of] - first
        label = 1 + self._weights.draw(rng, total).astype(np.int64)
        long = SHORTEST + rng.exponential(self.length * points, total).astype(np.int64)
        length = np.where(label == SPIKE, rng.integers(1, LONGEST_SPIKE, total, endpoint=True), long)
        length = np.minimum(length, room - 1)
        start = first + 1 + rng.integers(0, room - length)
        size = self.strength * (1 + rng.exponential(0.5, total)) * rng.choice((-1.0, 1.0), total)
        return Windows(of, start, length, label, size)

    @cached_property
    def _weights(self) -> Weights:
        return Weights([self.kinds.get(name, 0.0) for name in ANOMALOUS])


def disturb(values: NDArray[np.float64], windows: Windows, deviation: float) -> NDArray[np.int8]:
    """Add the anomalies to the values (one row a series); return the label of each point."""
    labels = np.zeros(values.shape, dtype=np.int8)
    window = np.repeat(np.arange(len(windows.length)), windows.length)
    offset = offsets(windows.length)
    at = windows.series[window], windows.start[window] + offset
    label = windows.label[window]
    size = windows.size[window] * deviation
    size[label == DRIFT] *= ((offset + 1) / windows.length[window])[label == DRIFT]
    frozen = values[windows.series, windows.start - 1][window]
    shifted = values[at] + size
    values[at] = np.select([label == DROPOUT, label == FROZEN], [np.zeros(len(window)), frozen], shifted)
    labels[at] = label
    return labels


@dataclass(frozen=True, kw_only=True)
class Gaps:
    """Points that nobody measured; they never hide an anomaly. Raises ImpossibleParameters."""

    mean: float = 3.0
    """How many a series has (Poisson)."""
    points: float = 5.0
    """Mean length (geometric)."""

    def __post_init__(self) -> None:
        require(0 <= self.mean <= 1000, f"mean is {self.mean}: it goes from 0 to 1000")
        require(1 <= self.points <= 10_000, f"points is {self.points}: it goes from 1 to 10000")

    def draw(self, rng: np.random.Generator, labels: NDArray[np.int8]) -> None:
        """Label gaps where everything is normal."""
        series, points = labels.shape
        count = rng.poisson(np.full(series, self.mean))
        total = int(count.sum())
        start = np.repeat(np.arange(series) * points, count) + rng.integers(0, points, total)
        last = np.repeat(np.arange(1, series + 1) * points, count)
        length = np.minimum(rng.geometric(1 / self.points, total), last - start)
        at = np.repeat(start, length) + offsets(length)
        flat = labels.reshape(-1)
        flat[at[flat[at] == NORMAL]] = GAP
