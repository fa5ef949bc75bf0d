"""Records as dicts of Python's own types, a batch at a time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import chain, repeat
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

PIECE = 1 << 12
"""Rows whose values are Python's at the same time: few enough for the caches of a processor."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def as_dicts(batch: pa.RecordBatch) -> Iterator[dict[str, Any]]:
    """Convert a batch to records; times are in UTC, missing values None."""
    return chain.from_iterable(_dicts(batch.slice(start, PIECE)) for start in range(0, batch.num_rows, PIECE))


def _dicts(piece: pa.RecordBatch) -> Iterator[dict[str, Any]]:
    names = piece.schema.names
    columns = [as_list(column) for column in piece.columns]
    # One iterator over whole columns: a loop over rows in Python would take most of the time.
    return map(dict, map(zip, repeat(names), zip(*columns, strict=True)))


def as_list(values: pa.Array) -> list[Any]:
    """Convert a column to a list, much faster than Arrow's `to_pylist` where the type allows it."""
    if pa.types.is_dictionary(values.type):
        return _pooled(values)
    if not _has_numpy_form(values.type):
        return values.to_pylist()  # type: ignore[no-any-return]
    if values.null_count:
        objects = np.full(len(values), None, dtype=object)
        objects[values.is_valid().to_numpy(zero_copy_only=False)] = as_list(values.drop_null())
        return objects.tolist()
    if pa.types.is_timestamp(values.type):
        return _times(values)
    return values.to_numpy(zero_copy_only=False).tolist()  # type: ignore[no-any-return]


def _pooled(values: pa.DictionaryArray) -> list[Any]:
    """Convert a dictionary array: equal values share one object."""
    pool = np.empty(len(values.dictionary) + 1, dtype=object)
    pool[:-1] = as_list(values.dictionary)
    indices = (
        pc.fill_null(values.indices.cast(pa.int32()), len(values.dictionary)) if values.null_count else values.indices
    )
    return pool[indices.to_numpy(zero_copy_only=False)].tolist()  # type: ignore[no-any-return]


def _times(values: pa.Array) -> list[datetime]:
    since = values.cast(pa.timestamp("us")) if values.type.tz is None else values.cast(pa.timestamp("us", "UTC"))
    micros = since.view(pa.int64()).to_numpy()
    if values.type.tz is None:
        return micros.view("datetime64[us]").tolist()  # type: ignore[no-any-return]
    return list(map(EPOCH.__add__, micros.view("timedelta64[us]").tolist()))


def _has_numpy_form(type_: pa.DataType) -> bool:
    return bool(
        pa.types.is_string(type_)
        or pa.types.is_integer(type_)
        or pa.types.is_float64(type_)
        or pa.types.is_boolean(type_)
        or pa.types.is_date32(type_)
        or pa.types.is_timestamp(type_)
    )
