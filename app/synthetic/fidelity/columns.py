"""A column of a sample as what can be compared: numbers, moments, categories or texts."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from app.synthetic.fidelity.samples import Sample

Floats = NDArray[np.float64]
MOST_CATEGORIES = 100
"""Texts of more different values than this are texts, not categories."""
DAY_IN_MICROSECONDS = 86_400e6


class Role(StrEnum):
    """The role of a column's values."""

    NUMBER = "number"
    MOMENT = "moment"
    CATEGORY = "category"
    TEXT = "text"
    EMPTY = "empty"
    OTHER = "other"
    """Lists, bytes and the like: nothing is said of these."""


@dataclass(frozen=True)
class Series:
    """One column of a sample."""

    name: str
    role: Role
    values: pa.Array

    @property
    def rows(self) -> int:
        """Number of records."""
        return len(self.values)

    @cached_property
    def present(self) -> NDArray[np.bool_]:
        """Where there is a value; a number that is not finite is none."""
        there = self.values.is_valid()
        if pa.types.is_floating(self.values.type):
            there = pc.fill_null(pc.is_finite(self.values), False)
        return np.asarray(there.to_numpy(zero_copy_only=False), dtype=bool)

    @property
    def null_share(self) -> float:
        """Share of records without a value."""
        return 1 - float(self.present.mean())

    @cached_property
    def numbers(self) -> Floats:
        """Numbers, days since 1970, or lengths of texts, for each record; NaN where there is none."""
        if self.role is Role.NUMBER:
            found = self.values.cast(pa.float64(), safe=False)
        elif self.role is Role.MOMENT:
            found = pc.divide(_micros(self.values).cast(pa.float64(), safe=False), DAY_IN_MICROSECONDS)
        elif self.role is Role.TEXT:
            found = pc.utf8_length(self.values).cast(pa.float64())
        else:
            return np.full(self.rows, np.nan)
        numbers = np.array(found.to_numpy(zero_copy_only=False), dtype=np.float64)
        numbers[~self.present] = np.nan
        return numbers

    @cached_property
    def known(self) -> Floats:
        """The numbers that there are."""
        return self.numbers[self.present]

    @cached_property
    def labels(self) -> pa.StringArray:
        """Categories as texts."""
        return self.values.cast(pa.string()) if pa.types.is_boolean(self.values.type) else self.values

    @cached_property
    def counts(self) -> dict[str, int]:
        """Frequency of each category or text, the most frequent first."""
        counted = pc.value_counts(self.labels.drop_null())
        pairs = zip(counted.field("values").to_pylist(), counted.field("counts").to_pylist(), strict=True)
        return dict(sorted(pairs, key=lambda pair: (-pair[1], pair[0])))


def series_of(sample: Sample, name: str, role: Role | None = None) -> Series:
    """Return a column of a sample, in its own role or the given one."""
    values = sample.column(name)
    return Series(name, role or role_of(values), values)


def role_of(values: pa.Array) -> Role:
    """Return the role of an array's values."""
    type_ = values.type
    if len(values) == values.null_count or (pa.types.is_floating(type_) and not pc.any(pc.is_finite(values)).as_py()):
        return Role.EMPTY
    if pa.types.is_boolean(type_):
        return Role.CATEGORY
    if pa.types.is_integer(type_) or pa.types.is_floating(type_):
        return Role.NUMBER
    if pa.types.is_date(type_) or pa.types.is_timestamp(type_):
        return Role.MOMENT
    return _role_of_texts(values) if pa.types.is_string(type_) else Role.OTHER


def _role_of_texts(values: pa.Array) -> Role:
    distinct = pc.count_distinct(values).as_py()
    repeated = 2 * distinct <= len(values) - values.null_count
    return Role.CATEGORY if distinct <= MOST_CATEGORIES and (repeated or distinct == 1) else Role.TEXT


def _micros(values: pa.Array) -> pa.Array:
    return values.cast(pa.timestamp("us")).view(pa.int64())
