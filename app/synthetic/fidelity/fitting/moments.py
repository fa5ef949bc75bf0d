"""Days and moments as fields of a schema."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
from scipy import stats
from scipy.optimize import brentq

from app.synthetic.fidelity.columns import Floats, Series
from app.synthetic.kinds.times import MOST_DAYS

FINENESS = 50
"""Ends are rounded to the longest of these units that goes so many times into the time between them."""
UNITS = (30.0, 7.0, 1.0, 1 / 24, 1 / 1440)
"""In days."""
SHORTEST_MEAN, LONGEST_MEAN = 1e-4, MOST_DAYS * 0.99
LEAST_PAIRS = 50
"""Records with both moments from which one may be said to follow the other."""


def field_of(series: Series) -> tuple[dict[str, Any], float]:
    """Fit a uniform field; return it with its Kolmogorov-Smirnov distance from the observed values."""
    days, is_date = series.known, pa.types.is_date(series.values.type)
    low, high = _outward(days, shortest=1.0 if is_date else UNITS[-1])
    spread = stats.uniform(low, max(high - low, 1.0 if is_date else UNITS[-1]))
    distance = float(stats.kstest(days, spread.cdf).statistic) if high > low else 0.0
    if is_date:
        return {"kind": "date", "start": _day(low), "end": _day(max(high - 1, low))}, distance
    return {"kind": "timestamp", "start": moment(low), "end": moment(max(high, low + UNITS[-1]))}, distance


def delay(since: Series, then: Series) -> float | None:
    """Return the mean exponential delay in days from `since` to `then`; None where `then` ever comes first.

    A delay that would end after the last moment is spread evenly up to it, as the kind `timestamp.after` does. So the
    mean is the one with which that kind's delays have the observed mean.
    """
    both = since.present & then.present
    waited = then.numbers[both] - since.numbers[both]
    if both.sum() < LEAST_PAIRS or waited.min() < 0 or not waited.any():
        return None
    left = np.maximum(until(then) - since.numbers[both], 1e-9)
    observed = float(waited.mean())

    def excess(mean: float) -> float:
        beyond = np.exp(-left / mean)
        return float((mean * (1 - beyond) - left * beyond + left / 2 * beyond).mean()) - observed

    if excess(SHORTEST_MEAN) > 0 or excess(LONGEST_MEAN) < 0:
        return None
    return float(brentq(excess, SHORTEST_MEAN, LONGEST_MEAN))


def until(series: Series) -> float:
    """Return the round end of a column of moments, in days."""
    return _outward(series.known, shortest=UNITS[-1])[1]


def moment(days: float) -> date | str:
    """Return a moment to the minute, in UTC, as a schema file has it."""
    found = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(minutes=round(days * 1440))
    return found.strftime("%Y-%m-%dT%H:%M:00") if found.hour or found.minute else found.date()


def _outward(days: Floats, *, shortest: float) -> tuple[float, float]:
    """Return round limits just outside the values; the upper one is exclusive."""
    low, high = float(days.min()), float(days.max())
    unit = next((length for length in UNITS if length * FINENESS <= high - low), shortest)
    unit = max(unit, shortest)
    if unit == UNITS[0]:
        return _month(low), _month(high, later=True)
    return math.floor(low / unit) * unit, (math.floor(high / unit) + 1) * unit


def _month(days: float, *, later: bool = False) -> float:
    month = np.datetime64(math.floor(days), "D").astype("datetime64[M]") + int(later)
    return float(month.astype("datetime64[D]").astype(np.int64))


def _day(days: float) -> date:
    return date(1970, 1, 1) + timedelta(days=int(days))
