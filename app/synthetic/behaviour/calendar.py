"""Days, weeks and months of a period, and when they are in a time zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from app.synthetic.errors import require
from app.synthetic.numbers.weights import Weights
from app.synthetic.places.gazetteer import gazetteer

DAY = 86_400
MOST_DAYS = 3660
FIRST = date(1971, 1, 1)
LAST = date(9998, 1, 1)
FRIDAY = 4


@dataclass(frozen=True)
class Period:
    """Days from `start` up to, not with, `end`; raises ImpossibleParameters. Days are counted from its first."""

    start: date
    end: date

    def __post_init__(self) -> None:
        require(self.start < self.end, f"start is {self.start}, and end is not after it, {self.end}")
        require(self.days <= MOST_DAYS, f"start is {self.start} and end {self.end}: the most is {MOST_DAYS} days")
        require(self.start >= FIRST and self.end <= LAST, f"start and end must be from {FIRST} to {LAST}")

    @property
    def days(self) -> int:
        """Number of days."""
        return (self.end - self.start).days

    @cached_property
    def first(self) -> int:
        """The first day, in days since 1970."""
        return (self.start - date(1970, 1, 1)).days

    @cached_property
    def weekday(self) -> NDArray[np.int64]:
        """Weekday of each day; Monday is 0."""
        weekdays: NDArray[np.int64] = (self.first + 3 + np.arange(self.days)) % 7
        return weekdays

    @cached_property
    def month(self) -> NDArray[np.int64]:
        """Month of each day; January is 0."""
        dates = (self.first + np.arange(self.days)).astype("datetime64[D]")
        months: NDArray[np.int64] = dates.astype("datetime64[M]").astype(np.int64) % 12
        return months

    @cached_property
    def months(self) -> NDArray[np.int64]:
        """All months that have a day in the period, counted from January 1970."""
        first, last = np.array([self.start, self.end - timedelta(days=1)], "datetime64[M]").astype(np.int64)
        return np.arange(first, last + 1)

    @cached_property
    def month_starts(self) -> NDArray[np.int64]:
        """The first day of each of `months`; that of the first one may be before the period."""
        return self._day_of(self.months)

    @cached_property
    def last_working_days(self) -> NDArray[np.int64]:
        """The last day from Monday to Friday of each of `months`; holidays are not known here."""
        last = self._day_of(self.months + 1) - 1
        return last - np.maximum((self.first + 3 + last) % 7 - FRIDAY, 0)

    def rhythm(self, by_weekday: tuple[float, ...], by_month: tuple[float, ...]) -> NDArray[np.float64]:
        """Return each day's activity relative to the average, by weekday and month."""
        week, year = np.array(by_weekday), np.array(by_month)
        rhythm: NDArray[np.float64] = (week / week.mean())[self.weekday] * (year / year.mean())[self.month]
        return rhythm

    @cached_property
    def offsets(self) -> NDArray[np.int64]:
        """Seconds by which each time zone of the gazetteer is ahead of UTC, at noon of each day."""
        zones = gazetteer().texts["time_zone"].column(np.zeros(1, dtype=np.int32)).dictionary.to_pylist()
        noons = [datetime.combine(self.start + timedelta(days=day), time(12)) for day in range(self.days)]
        return np.array([_offsets(ZoneInfo(zone), noons) for zone in zones])

    def utc(self, zone: NDArray[np.integer], seconds: NDArray[np.int64]) -> NDArray[np.int64]:
        """Convert local times in zones of the gazetteer to seconds since 1970.

        In the night of a change of clocks the new time counts from midnight on.
        """
        day = np.clip(seconds // DAY - self.first, 0, self.days - 1)
        moments: NDArray[np.int64] = seconds - self.offsets[zone, day]
        return moments

    def _day_of(self, months: NDArray[np.int64]) -> NDArray[np.int64]:
        return months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64) - self.first


@dataclass(frozen=True)
class Hours:
    """Times of day: normal around some hours, each with its weight and standard deviation in hours."""

    peaks: tuple[tuple[float, float, float], ...]

    def draw(self, rng: np.random.Generator, rows: int) -> NDArray[np.int64]:
        """Draw times of day, in seconds since midnight."""
        peak = self._weights.draw(rng, rows)
        hours = rng.standard_normal(rows) * self._deviations[peak] + self._hours[peak]
        return (hours * 3600).astype(np.int64) % DAY

    @cached_property
    def _weights(self) -> Weights:
        return Weights([weight for weight, _, _ in self.peaks])

    @cached_property
    def _hours(self) -> NDArray[np.float64]:
        return np.array([hour for _, hour, _ in self.peaks])

    @cached_property
    def _deviations(self) -> NDArray[np.float64]:
        return np.array([deviation for _, _, deviation in self.peaks])


def _offsets(zone: ZoneInfo, noons: list[datetime]) -> list[int]:
    return [int((noon.replace(tzinfo=zone).utcoffset() or timedelta()).total_seconds()) for noon in noons]
