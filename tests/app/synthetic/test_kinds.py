"""Values, times and templates."""

from __future__ import annotations

import re
import uuid
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from scipy import stats

from app.synthetic import DataSet, parse_schema

ROWS = 50_000


def values(kind: str, *, rows: int = ROWS, **others: str) -> list[Any]:
    fields = "".join(f"  {name}: {given}\n" for name, given in {"x": kind, **others}.items())
    table = DataSet(parse_schema(f"name: one\nfields:\n{fields}"), rows, seed=9, chunk_rows=9999).table()
    return table["x"].to_pylist()  # type: ignore[no-any-return]


def as_likely_as(observed: Counter[Any], shares: dict[Any, float]) -> bool:
    expected = [share * sum(observed.values()) / sum(shares.values()) for share in shares.values()]
    assert set(observed) <= set(shares)
    return bool(stats.chisquare([observed[each] for each in shares], expected).pvalue > 0.001)


@pytest.mark.parametrize("value", ["'text'", "5", "2.5", "true"])
def test_a_constant_is_the_same_everywhere(value: str) -> None:
    assert set(values(f"{{kind: constant, value: {value}}}", rows=20_000)) == {
        {"'text'": "text", "5": 5, "2.5": 2.5, "true": True}[value]
    }


def test_a_sequence_counts_over_all_chunks() -> None:
    assert values("{kind: sequence, start: 10, step: -3}", rows=25_000) == list(range(10, 10 - 75_000, -3))


@pytest.mark.slow
def test_uuids_are_of_version_four_and_differ() -> None:
    made = values("uuid")
    parsed = [uuid.UUID(each) for each in made]
    assert [str(each) for each in parsed] == made
    assert {(each.version, each.variant) for each in parsed} == {(4, uuid.RFC_4122)}
    assert len(set(made)) == ROWS
    bits = np.array([[each.int >> place & 1 for place in range(128)] for each in parsed[:5000]]).mean(axis=0)
    free = (bits > 0) & (bits < 1)
    assert free.sum() == 122
    assert abs(bits[free] - 0.5).max() < 5 * 0.5 / 5000**0.5


def test_a_boolean_is_true_as_often_as_its_share() -> None:
    assert as_likely_as(Counter(values("{kind: boolean, share: 0.93}")), {True: 0.93, False: 0.07})
    assert set(values("{kind: boolean, share: 1}")) == {True}
    assert set(values("{kind: boolean, share: 0}")) == {False}


def test_choices_are_as_likely_as_their_weights() -> None:
    assert as_likely_as(
        Counter(values("{kind: choice, values: {a: 70, b: 24.5, c: 6, d: 0}}")), {"a": 70, "b": 24.5, "c": 6}
    )
    assert as_likely_as(Counter(values("{kind: choice, values: [3, 5, 9]}")), {3: 1, 5: 1, 9: 1})
    assert as_likely_as(Counter(values("{kind: choice, values: {true: 1, false: 3}}")), {True: 1, False: 3})


def test_a_lookup_says_what_its_table_says() -> None:
    country = "{kind: choice, values: [US, DE, JP]}"
    looked = values("{kind: lookup, field: y, table: {US: USD, DE: EUR}, otherwise: '?'}", y=country)
    assert set(looked) == {"USD", "EUR", "?"}
    assert set(values("{kind: lookup, field: y, table: {US: 1, DE: 2}}", y=country)) == {1, 2, None}
    number = "{kind: number.integer, low: 1, high: 2}"
    assert set(values("{kind: lookup, field: y, table: {1: one, 2: two}}", y=number)) == {"one", "two"}


def test_days_are_all_alike_ends_included() -> None:
    days = Counter(values("{kind: date, start: 2024-02-27, end: 2024-03-02}"))
    assert as_likely_as(days, {date(2024, 2, 27) + timedelta(days=n): 1 for n in range(5)})


def test_moments_lie_evenly_within_their_range_to_the_second() -> None:
    made = values("{kind: timestamp, start: 2024-01-01, end: 2024-01-03T12:00:00+02:00}")
    start, end = datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 3, 10, tzinfo=UTC)
    assert min(made) >= start
    assert max(made) < end
    assert not any(each.microsecond for each in made)
    assert stats.kstest([(each - start) / (end - start) for each in made], "uniform").pvalue > 0.001


def test_a_moment_after_another_follows_exponentially() -> None:
    fixed = "{kind: date, start: 2024-01-01, end: 2024-01-01}"
    with pytest.raises(Exception, match="field y holds no time but"):
        values("{kind: timestamp.after, field: y, mean_days: 3}", y="{kind: number.integer, low: 1, high: 9}")
    made = values("{kind: timestamp.after, field: y, mean_days: 3}", y=fixed)
    delays = [(each - datetime(2024, 1, 1, tzinfo=UTC)) / timedelta(days=3) for each in made]
    assert min(delays) >= 0
    assert stats.kstest(delays, "expon").pvalue > 0.001


def test_a_moment_after_another_never_passes_its_end() -> None:
    schema = parse_schema(
        """
        name: x
        fields:
          joined: {kind: timestamp, start: 2024-01-01, end: 2024-12-31, nulls: 0.1}
          seen: {kind: timestamp.after, field: joined, mean_days: 200, until: 2025-01-01}
        """
    )
    end, at_the_end = datetime(2025, 1, 1, tzinfo=UTC), 0
    for row in DataSet(schema, ROWS, seed=1).dicts():
        if row["joined"] is None:
            assert row["seen"] is None
        else:
            assert row["joined"] <= row["seen"] <= end
            at_the_end += row["seen"] > end - timedelta(hours=1)
    assert at_the_end < ROWS / 100  # nor do they crowd there


def test_a_template_puts_fields_together() -> None:
    code = "{kind: choice, values: [ab, 'X{']}"
    number = "{kind: number.integer, low: 7, high: 8}"
    made = values('{kind: template, text: "{{{c:upper}}}-{n:04}/{c:title}{c:lower}{n}!"}', rows=999, c=code, n=number)
    assert set(made) == {f"{{{c.upper()}}}-000{n}/{c.title()}{c.lower()}{n}!" for c in ("ab", "X{") for n in (7, 8)}


def test_a_template_of_one_field_is_its_text() -> None:
    made = values("{kind: template, text: '{d}'}", rows=50, d="{kind: date, start: 2024-01-01, end: 2024-12-31}")
    assert all(re.fullmatch(r"2024-\d\d-\d\d", each) for each in made)


def test_a_template_is_missing_where_a_field_is() -> None:
    schema = parse_schema("name: x\nfields: {a: {kind: uuid, nulls: 0.5}, b: {kind: template, text: 'x{a}'}}")
    rows = list(DataSet(schema, 100, seed=1).dicts())
    assert {row["a"] is None for row in rows} == {True, False}
    for row in rows:
        assert row["b"] == (None if row["a"] is None else f"x{row['a']}")
