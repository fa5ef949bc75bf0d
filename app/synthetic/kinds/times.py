"""Days and moments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pyarrow as pa

from app.synthetic.chunks import Chunk
from app.synthetic.columns import Column, FromFields, Needed
from app.synthetic.errors import ImpossibleParameters, require

MICROSECOND = timedelta(microseconds=1)
DAY = timedelta(days=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MOST_DAYS = 10_000
"""Mean of delays: some are twenty times as long, and calendars end with the year 9999."""
MOMENT = pa.timestamp("us", "UTC")


@dataclass(frozen=True, kw_only=True)
class Day(Column):
    """A day from `start` to `end`, both included, every one alike."""

    start: date
    end: date

    type = pa.date32()

    def __post_init__(self) -> None:
        require(self.start <= self.end, f"start is {self.start}, and end is before it, {self.end}")

    def make(self, chunk: Chunk, needed: Needed) -> pa.Array:
        first, last = ((day - EPOCH.date()).days for day in (self.start, self.end))
        return pa.array(chunk.rng().integers(first, last, chunk.rows, dtype=np.int32, endpoint=True)).view(self.type)


@dataclass(frozen=True, kw_only=True)
class Moment(Column):
    """A moment from `start` up to, not with, `end`, to the second; times without a zone are in UTC."""

    start: datetime
    end: datetime

    type = MOMENT

    def __post_init__(self) -> None:
        require(_micros(self.start) < _micros(self.end), f"start is {self.start}, and end is not after it, {self.end}")

    def make(self, chunk: Chunk, needed: Needed) -> pa.Array:
        first, last = _micros(self.start), _micros(self.end)
        drawn = chunk.rng().integers(0, -(-(last - first) // 1_000_000), chunk.rows)
        return pa.array(first + drawn * 1_000_000).view(self.type)


@dataclass(frozen=True, kw_only=True)
class MomentAfter(FromFields):
    """A moment at or after that of another field, by an exponentially distributed delay, to the second.

    Where `until` would be passed, the delay is what is left of it times a number from 0 to 1.
    """

    field: str
    mean_days: float
    until: datetime | None = None

    type = MOMENT

    def __post_init__(self) -> None:
        require(0 < self.mean_days < MOST_DAYS, f"mean_days is {self.mean_days}: it goes from 0 to {MOST_DAYS}")

    @property
    def needs(self) -> tuple[str, ...]:
        return (self.field,)

    def make(self, chunk: Chunk, needed: Needed) -> pa.Array:
        since = needed[self.field]
        if not (pa.types.is_date(since.type) or pa.types.is_timestamp(since.type)):
            raise ImpossibleParameters(f"field {self.field} holds no time but {since.type}")
        first = since.cast(pa.timestamp("us")).view(pa.int64())
        start = first.fill_null(0).to_numpy()
        rng = chunk.rng()
        delay = rng.exponential(self.mean_days * (DAY / MICROSECOND), chunk.rows)
        if self.until is not None:
            left = np.maximum(_micros(self.until) - start, 0)
            delay = np.where(delay < left, delay, left * rng.random(chunk.rows))
        whole = (delay // 1_000_000).astype(np.int64) * 1_000_000
        return pa.array(start + whole, mask=first.is_null().to_numpy(zero_copy_only=False)).view(self.type)


def _micros(moment: datetime) -> int:
    return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - EPOCH) // MICROSECOND


KINDS: Mapping[str, type[Column]] = {"date": Day, "timestamp": Moment, "timestamp.after": MomentAfter}
