"""Time series: trend, seasons, noise that remembers, gaps, and anomalies that are labelled."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from app.synthetic.behaviour.anomalies import GAP, LABELS, Anomalies, Gaps, disturb
from app.synthetic.chunks import MOST_EXPANDED, Chunk
from app.synthetic.columns import Column, Expanding, Needed
from app.synthetic.errors import require
from app.synthetic.kinds.times import EPOCH, MICROSECOND, MOMENT
from app.synthetic.pools import POOLED, Pool

DAY = 86_400
SEASONS = {"daily": DAY, "weekly": 7 * DAY, "yearly": 365.25 * DAY}
"""Periods in seconds."""
OVERTONE = 0.3
"""How much of the day's wave has half its period: a second, lower peak."""
LARGEST = 1e12
FORGOTTEN = 1e-12
LAST = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Drawn:
    """What is drawn once for each series."""

    level: NDArray[np.float64]
    trend: NDArray[np.float64]
    """Per day."""
    amplitudes: dict[str, NDArray[np.float64]]
    peaks: dict[str, NDArray[np.float64]]
    """When each season is at its height, in seconds since 1970 modulo its period."""


@dataclass(frozen=True, kw_only=True)
class Series(Expanding):
    """Series of so many points, one after the other; raises ImpossibleParameters.

    value = level + trend + daily, weekly and yearly waves + noise. What stands here are medians: every series has its
    own, and its own hours of peak.
    """

    start: datetime = datetime(2025, 1, 1, tzinfo=UTC)
    points: int = 8760
    step_seconds: int = 3600
    level: float = 100.0
    trend: float = 0.02
    """Per day."""
    daily: float = 20.0
    """Half the distance between the height of the day and its depth."""
    weekly: float = 8.0
    yearly: float = 12.0
    noise: float = 4.0
    """Standard deviation."""
    memory: float = 0.6
    """How much of the noise stays from one point to the next: its autocorrelation (AR of order 1)."""
    spread: float = 0.3
    """How much series differ: the standard deviation of the logarithm of their levels, trends and waves."""
    gaps: Gaps = field(default_factory=Gaps)
    anomalies: Anomalies = field(default_factory=Anomalies)

    type = pa.struct([("series", pa.int64()), ("time", MOMENT), ("value", pa.float64()), ("label", pa.int32())])

    def __post_init__(self) -> None:
        require(100 <= self.points <= MOST_EXPANDED, f"points is {self.points}: it goes from 100 to {MOST_EXPANDED}")
        most = 31 * DAY
        require(1 <= self.step_seconds <= most, f"step_seconds is {self.step_seconds}: it goes from 1 to {most}")
        for name in ("level", "trend"):
            value = getattr(self, name)
            require(abs(value) <= LARGEST, f"{name} is {value}: it must be finite, and at most {LARGEST}")
        for name in (*SEASONS, "noise"):
            value = getattr(self, name)
            require(0 <= value <= LARGEST, f"{name} is {value}: it goes from 0 to {LARGEST}")
        require(-1 < self.memory < 1, f"memory is {self.memory}: it must be above -1 and below 1")
        require(0 <= self.spread <= 3, f"spread is {self.spread}: it goes from 0 to 3")
        require(
            (LAST - self._first) / timedelta(seconds=self.step_seconds) > self.points,
            f"start is {self.start}: the series would go on after the year 9998",
        )

    def subjects(self, rows: int) -> int:
        return max(1, rows // self.points)

    def make(self, chunk: Chunk, needed: Needed) -> pa.Array:
        values = self.undisturbed(chunk)
        windows = self.anomalies.draw(chunk.rng("anomalies"), chunk.rows, self.points)
        labels = disturb(values, windows, self.noise)
        self.gaps.draw(chunk.rng("gaps"), labels)
        label = labels.reshape(-1)
        return pa.StructArray.from_arrays(
            [
                pa.array(np.repeat(chunk.numbers(), self.points)),
                pa.array(np.tile(self.seconds() * 1_000_000, chunk.rows)).view(MOMENT),
                pa.array(values.reshape(-1), mask=label == GAP),
                pa.array(label.astype(np.int32)),
            ],
            fields=list(self.type),
        )

    def drawn(self, chunk: Chunk) -> Drawn:
        """Draw the parameters of the chunk's series."""
        rng = chunk.rng("parameters")

        def around(median: float) -> NDArray[np.float64]:
            return median * np.exp(rng.normal(0.0, self.spread, chunk.rows))

        level, trend = around(self.level), around(self.trend)
        amplitudes = {name: around(getattr(self, name)) for name in SEASONS}
        peaks = {name: rng.random(chunk.rows) * period for name, period in SEASONS.items()}
        return Drawn(level, trend, amplitudes, peaks)

    def undisturbed(self, chunk: Chunk) -> NDArray[np.float64]:
        """Make the values without anomalies, one row a series."""
        drawn = self.drawn(chunk)
        seconds = self.seconds()
        values = autoregressive(chunk.rng("noise"), (chunk.rows, self.points), self.memory)
        values *= self.noise
        values += drawn.level[:, None]
        values += drawn.trend[:, None] * ((seconds - seconds[0]) / DAY)
        for name, period in SEASONS.items():
            if getattr(self, name):
                angle = (seconds % period - drawn.peaks[name][:, None]) * (2 * math.pi / period)
                wave = np.cos(angle)
                if name == "daily":
                    wave += OVERTONE * np.cos(2 * angle)
                values += drawn.amplitudes[name][:, None] * wave
        return values

    def seconds(self) -> NDArray[np.int64]:
        """Return the times of the points in seconds since 1970."""
        first = (self._first - EPOCH) // MICROSECOND // 1_000_000
        return first + self.step_seconds * np.arange(self.points, dtype=np.int64)

    @property
    def _first(self) -> datetime:
        return self.start if self.start.tzinfo else self.start.replace(tzinfo=UTC)


def autoregressive(rng: np.random.Generator, shape: tuple[int, int], memory: float) -> NDArray[np.float64]:
    """Draw rows of autoregressive normal noise: variance 1, lag-one correlation `memory`.

    A point is the sum of memory ** k times the draw k points ago. Sums of 2, 4, 8 draws and so on are each made of two
    of half the length, so there is no loop over points.
    """
    values = rng.standard_normal(shape)
    values[:, 1:] *= math.sqrt(1 - memory * memory)
    reach, factor = 1, memory
    while reach < shape[1] and abs(factor) > FORGOTTEN:
        values[:, reach:] += factor * values[:, :-reach]
        reach, factor = 2 * reach, factor * factor
    return values


class OfSeries(Column):
    """Something that is said of a point of a series."""

    says: ClassVar[str]

    needs = ("series",)

    def make(self, chunk: Chunk, needed: Needed) -> pa.Array:
        return needed["series"].field(self.says)


@dataclass(frozen=True, kw_only=True)
class Id(OfSeries):
    """Number of the series, counted from 0."""

    says = "series"

    type = pa.int64()


@dataclass(frozen=True, kw_only=True)
class Time(OfSeries):
    """When it was measured."""

    says = "time"

    type = MOMENT


@dataclass(frozen=True, kw_only=True)
class Value(OfSeries):
    """What was measured; missing in gaps."""

    says = "value"

    decimals: int | None = None

    type = pa.float64()

    def __post_init__(self) -> None:
        require(self.decimals is None or 0 <= self.decimals <= 12, f"decimals is {self.decimals}: it goes from 0 to 12")

    def make(self, chunk: Chunk, needed: Needed) -> pa.Array:
        values = super().make(chunk, needed)
        if self.decimals is None:
            return values
        return pa.array(np.round(values.fill_null(0).to_numpy(), self.decimals), mask=_missing(values))


@dataclass(frozen=True, kw_only=True)
class Label(OfSeries):
    """`normal`, `gap`, or which anomaly the point belongs to."""

    says = "label"
    pool: ClassVar[Pool] = Pool(LABELS)

    type = POOLED

    def make(self, chunk: Chunk, needed: Needed) -> pa.Array:
        return self.pool.column(super().make(chunk, needed).to_numpy())


def _missing(values: pa.Array) -> NDArray[np.bool_]:
    return np.asarray(values.is_null().to_numpy(zero_copy_only=False))


KINDS: Mapping[str, type[Column]] = {
    "series": Series,
    "series.id": Id,
    "series.time": Time,
    "series.value": Value,
    "series.label": Label,
}
