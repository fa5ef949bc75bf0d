"""Associations of two columns, in both samples."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy import stats

from app.synthetic.fidelity.columns import Floats, Role, Series
from app.synthetic.fidelity.comparing.distances import PAIR_FAR, PAIR_NEAR, Level, level_of

MOST_COLUMNS = 40
"""Columns whose pairs are looked at: the first ones."""
LEAST_ROWS = 30
SURE = 3.0
NUMERIC = (Role.NUMBER, Role.MOMENT)

SPEARMAN, CRAMER, RATIO = "Spearman's correlation", "Cramér's V", "correlation ratio"


@dataclass(frozen=True)
class PairComparison:
    """Strength of the association, from -1 or 0 to 1; None where one of them has no two values."""

    one: str
    other: str
    measure: str
    real: float | None
    synthetic: float | None
    level: Level
    pearson_real: float | None = None
    pearson_synthetic: float | None = None

    @property
    def difference(self) -> float | None:
        """Synthetic less real."""
        return None if self.real is None or self.synthetic is None else self.synthetic - self.real


def paired(columns: Sequence[Series]) -> list[Series]:
    """Return the columns whose pairs are compared: neither texts nor empty ones."""
    return [column for column in columns if column.role in (*NUMERIC, Role.CATEGORY)][:MOST_COLUMNS]


def compare_pairs(real: Sequence[Series], synthetic: Sequence[Series]) -> list[PairComparison]:
    """Compare all pairs of columns; both sides have the same order."""
    both = list(zip(map(_Side.of, real), map(_Side.of, synthetic), strict=True))
    return [_compared(one, other) for one, other in combinations(both, 2)]


@dataclass(frozen=True)
class _Side:
    """A column as numbers or as codes of categories; codes below 0 and NaN are missing values."""

    series: Series
    numbers: Floats
    codes: NDArray[np.int64]

    @classmethod
    def of(cls, series: Series) -> _Side:
        if series.role in NUMERIC:
            return cls(series, series.numbers, np.empty(0, dtype=np.int64))
        codes = pc.fill_null(series.labels.dictionary_encode().indices, -1)
        return cls(series, np.empty(0), codes.to_numpy(zero_copy_only=False).astype(np.int64))

    @property
    def present(self) -> NDArray[np.bool_]:
        return self.series.present

    @property
    def is_numeric(self) -> bool:
        return self.series.role in NUMERIC


def _compared(one: tuple[_Side, _Side], other: tuple[_Side, _Side]) -> PairComparison:
    numeric = one[0].is_numeric + other[0].is_numeric
    measure = {2: SPEARMAN, 1: RATIO, 0: CRAMER}[numeric]
    real, synthetic = (_measured(measure, *sides) for sides in zip(one, other, strict=True))
    pearson = [_pearson(*sides) if numeric == 2 else None for sides in zip(one, other, strict=True)]
    rows = [int((a.present & b.present).sum()) for a, b in zip(one, other, strict=True)]
    names = one[0].series.name, other[0].series.name
    return PairComparison(*names, measure, real, synthetic, _level(real, synthetic, rows), *pearson)


def _level(real: float | None, synthetic: float | None, rows: Sequence[int]) -> Level:
    if real is None or synthetic is None:
        return Level.NO_DATA
    chance = SURE * float(np.sqrt(sum(1 / count for count in rows)))
    return level_of(abs(synthetic - real), chance, near=PAIR_NEAR, far=PAIR_FAR)


def _measured(measure: str, one: _Side, other: _Side) -> float | None:
    both = one.present & other.present
    if both.sum() < LEAST_ROWS:
        return None
    if measure == SPEARMAN:
        return _finite(lambda: stats.spearmanr(one.numbers[both], other.numbers[both]).statistic)
    if measure == CRAMER:
        return _cramer(one.codes[both], other.codes[both])
    numbers, codes = (one, other) if one.is_numeric else (other, one)
    return _ratio(numbers.numbers[both], codes.codes[both])


def _pearson(one: _Side, other: _Side) -> float | None:
    both = one.present & other.present
    if both.sum() < LEAST_ROWS:
        return None
    return _finite(lambda: stats.pearsonr(one.numbers[both], other.numbers[both]).statistic)


def _cramer(one: NDArray[np.int64], other: NDArray[np.int64]) -> float | None:
    """Return Cramér's V with Bergsma's bias correction (2013)."""
    table = stats.contingency.crosstab(one, other).count
    rows, columns = table.shape
    if min(rows, columns) < 2:
        return None
    total = table.sum()
    squared = float(stats.contingency.association(table, method="cramer")) ** 2 * min(rows - 1, columns - 1)
    free = max(0.0, squared - (rows - 1) * (columns - 1) / (total - 1))
    corrected = [size - (size - 1) ** 2 / (total - 1) for size in (rows, columns)]
    return float(np.sqrt(free / (min(corrected) - 1))) if min(corrected) > 1 else None


def _ratio(numbers: Floats, codes: NDArray[np.int64]) -> float | None:
    """Return the bias-corrected correlation ratio of the ranks: epsilon (Kelley, 1935).

    Ranks and not the numbers, so that one very large number does not decide.
    """
    ranks = stats.rankdata(numbers)
    _, places = np.unique(codes, return_inverse=True)
    counts = np.bincount(places)
    total = float(((ranks - ranks.mean()) ** 2).sum())
    if len(counts) < 2 or not total or len(ranks) <= len(counts):
        return None
    means = np.bincount(places, weights=ranks) / counts
    within = total - float((counts * (means - ranks.mean()) ** 2).sum())
    return float(np.sqrt(max(0.0, 1 - within / (len(ranks) - len(counts)) * (len(ranks) - 1) / total)))


def _finite(measure: Callable[[], Any]) -> float | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", stats.ConstantInputWarning)
        warnings.simplefilter("ignore", stats.NearConstantInputWarning)
        found = float(measure())
    return found if np.isfinite(found) else None
