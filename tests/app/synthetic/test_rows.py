"""Dicts hold what the columns hold."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
import pytest

from app.synthetic.rows import as_dicts, as_list

MOMENT = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


@pytest.mark.parametrize(
    "values",
    [
        pa.array(["a", None, "", "ü"]),
        pa.array(["a", "b", "a"]).dictionary_encode(),
        pa.array(["a", None, "a"]).dictionary_encode(),
        pa.DictionaryArray.from_arrays(pa.array([127, None, 0], pa.int8()), [str(each) for each in range(128)]),
        pa.array([1, None, 2**62]),
        pa.array([1.5, None, -0.0]),
        pa.array([True, None, False]),
        pa.array([date(2026, 1, 2), None]),
        pa.array([MOMENT, None, datetime(1900, 1, 1, tzinfo=UTC)], pa.timestamp("us", "UTC")),
        pa.array([datetime(2026, 1, 2), None], pa.timestamp("us")),
        pa.array([datetime(2026, 1, 2)], pa.timestamp("s", "UTC")),
        pa.array([[1, 2], None, []]),
        pa.array(["b", "c", "d"]).slice(1, 1),
        pa.array([], pa.string()),
    ],
    ids=lambda values: str(values.type),
)
def test_values_are_those_of_arrow_and_of_the_same_types(values: pa.Array) -> None:
    expected = values.to_pylist()
    assert as_list(values) == expected
    assert list(map(type, as_list(values))) == list(map(type, expected))


def test_a_record_is_a_dict_in_the_order_of_its_fields() -> None:
    batch = pa.RecordBatch.from_pydict({"b": ["x", "y"], "a": [1, None]})
    made: list[dict[str, Any]] = list(as_dicts(batch))
    assert made == [{"b": "x", "a": 1}, {"b": "y", "a": None}]
    assert list(made[0]) == ["b", "a"]
    assert list(as_dicts(batch.slice(0, 0))) == []
