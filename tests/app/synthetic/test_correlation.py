"""Columns go together as asked, and each keeps its own distribution."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray
from scipy import stats

from app.synthetic import DataSet, Schema, parse_schema
from app.synthetic.errors import ImpossibleParameters, UnknownField

FIELDS = """
name: people
fields:
  income: {kind: number.lognormal, median: 30000, sigma: 0.6}
  age: {kind: number.normal, mean: 45, deviation: 15}
  visits: {kind: number.poisson, mean: 6}
  since: {kind: date, start: 2015-01-01, end: 2025-12-31}
  plan: {kind: choice, values: {basic: 6, plus: 3, premium: 1}}
  seen: {kind: timestamp, start: 2024-01-01, end: 2025-01-01}
  code: uuid
"""
ASKED = {
    ("income", "age"): 0.5,
    ("income", "visits"): -0.6,
    ("income", "plan"): 0.4,
    ("age", "since"): -0.3,
    ("age", "visits"): -0.2,
    ("age", "seen"): 0.25,
    ("visits", "code"): 0.1,
}
ROWS = 100_000


def schema() -> Schema:
    pairs: dict[str, dict[str, float]] = {}
    for (one, other), rank in ASKED.items():
        pairs.setdefault(one, {})[other] = rank
    return parse_schema(FIELDS).correlated(pairs)


def ranked(column: pa.ChunkedArray) -> NDArray[np.float64]:
    values = column.combine_chunks()
    if pa.types.is_dictionary(values.type):
        values = values.indices
    if pa.types.is_string(values.type):
        return stats.rankdata(values.to_pylist())
    return np.asarray(values).astype(np.float64)


def test_rank_correlations_are_those_that_were_asked_for() -> None:
    made = DataSet(schema(), ROWS, seed=5, workers=2).table()
    ranks = {name: stats.rankdata(ranked(made[name])) for name in made.column_names}
    assert {name for pair in ASKED for name in pair} <= set(ranks)
    for one, other in combinations(ranks, 2):
        asked = ASKED.get((one, other), 0.0)
        measured = np.corrcoef(ranks[one], ranks[other])[0, 1]
        # Ties of counts and choices weaken a rank correlation a little.
        tolerance = 0.01 if {one, other} <= {"income", "age", "since", "seen"} else 0.01 + abs(asked) * 0.2
        assert measured == pytest.approx(asked, abs=tolerance), (one, other)


def test_the_dependence_is_gaussian_not_only_its_rank() -> None:
    made = DataSet(schema(), ROWS, seed=5).table()
    normal = [stats.norm.ppf((stats.rankdata(ranked(made[name])) - 0.5) / ROWS) for name in ("income", "age")]
    r = 2 * np.sin(np.pi / 6 * 0.5)
    assert np.corrcoef(*normal)[0, 1] == pytest.approx(r, abs=0.01)
    both_high = np.mean((normal[0] > 1) & (normal[1] > 1))
    expected = stats.multivariate_normal(cov=[[1, r], [r, 1]]).cdf([-1, -1])
    assert both_high == pytest.approx(expected, rel=0.05)


def test_every_column_keeps_its_values() -> None:
    plain, together = DataSet(parse_schema(FIELDS), ROWS, seed=5).table(), DataSet(schema(), ROWS, seed=5).table()
    assert set(plain.column_names) == set(together.column_names) >= {"age", "income"}
    for name in plain.column_names:
        assert not together[name].equals(plain[name])
        assert (np.sort(ranked(together[name])) == np.sort(ranked(plain[name]))).all()


def test_rows_of_one_column_stay_independent_of_one_another() -> None:
    income = ranked(DataSet(schema(), ROWS, seed=5).table()["income"])
    assert abs(stats.spearmanr(income[:-1], income[1:]).statistic) < 4 / np.sqrt(ROWS)


@pytest.mark.parametrize("rank", [1, -1])
def test_columns_may_go_together_wholly(rank: float) -> None:
    made = DataSet(parse_schema(FIELDS).correlated({"income": {"age": rank}}), 1000, seed=5).table()
    assert stats.spearmanr(made["income"], made["age"]).statistic == pytest.approx(rank)


@pytest.mark.parametrize(
    ("pairs", "error", "reason"),
    [
        ({"income": {"aeg": 0.1}}, UnknownField, "schema people, correlations: field 'aeg' is not known; did you mean"),
        ({"income": {"age": 1.2}}, ImpossibleParameters, "the correlation of income and age is 1.2"),
        ({"income": {"income": 0.5}}, ImpossibleParameters, "income is to be correlated with itself"),
        ({"income": {"age": 0.5}, "age": {"income": 0.5}}, ImpossibleParameters, "is given twice"),
        ({"income": {}}, ImpossibleParameters, "names no pair"),
        (
            {"income": {"age": 0.9, "visits": 0.9}, "age": {"visits": -0.9}},
            ImpossibleParameters,
            "schema people, correlations: no 3 columns can be correlated like this",
        ),
    ],
    ids=lambda value: str(value)[:40],
)
def test_impossible_correlations_are_refused(
    pairs: dict[str, dict[str, float]], error: type[Exception], reason: str
) -> None:
    with pytest.raises(error, match=reason):
        parse_schema(FIELDS).correlated(pairs)


def test_a_column_that_depends_on_another_cannot_be_reordered() -> None:
    text = FIELDS + "  later: {kind: timestamp.after, field: since, mean_days: 9}\ncorrelations: {age: {later: 0.2}}\n"
    with pytest.raises(ImpossibleParameters, match="field later: depends on other fields"):
        parse_schema(text)
