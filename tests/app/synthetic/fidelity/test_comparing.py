"""Distances are what they are by their formulas, and what is wrong is found where it is wrong."""

from __future__ import annotations

import json
import math
import warnings
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from app.synthetic import DataSet, parse_schema
from app.synthetic.errors import ColumnsDiffer
from app.synthetic.fidelity.columns import Role, series_of
from app.synthetic.fidelity.comparing import Comparison, Level, compare, distances
from app.synthetic.fidelity.comparing.distances import level_of
from app.synthetic.fidelity.comparing.pairs import CRAMER, RATIO, SPEARMAN
from app.synthetic.fidelity.comparing.privacy import privacy_of
from app.synthetic.fidelity.fitting import fit
from app.synthetic.fidelity.samples import Sample, sample_of

ROWS = 5_000


def sample(name: str = "x.csv", **columns: Any) -> Sample:
    return sample_of(name, pa.table(columns))


def normal(mean: float, deviation: float, rows: int = ROWS) -> Any:
    """Quantiles instead of draws: a sample in which chance has no part."""
    return stats.norm(mean, deviation).ppf((np.arange(rows) + 0.5) / rows)


def customers(seed: int, *, rows: int = ROWS) -> dict[str, Any]:
    """Columns that go together: age with income, city with plan, plan with income."""
    rng = np.random.default_rng(seed)
    age = rng.normal(45, 12, rows)
    city = rng.integers(0, 3, rows)
    plan = np.where(rng.random(rows) < 0.8, city, rng.integers(0, 3, rows))
    return {
        "age": age,
        "income": np.exp(10 + 0.03 * (age - 45) + 0.3 * plan + rng.normal(0, 0.3, rows)),
        "city": np.array(["Bath", "York", "Hull"])[city].tolist(),
        "plan": np.array(["basic", "plus", "best"])[plan].tolist(),
        "phone": pa.array(rng.integers(1, 10**6, rows), mask=rng.random(rows) < 0.1),
    }


def levels(comparison: Comparison) -> dict[str, Level]:
    return {each.name: each.level for each in comparison.report.columns}


def pair_levels(comparison: Comparison) -> dict[tuple[str, str], Level]:
    return {(each.one, each.other): each.level for each in comparison.report.pairs}


@pytest.mark.parametrize("shift", [0.5, 2.0])
def test_two_normals_are_as_far_apart_as_their_means(shift: float) -> None:
    (column,) = compare(sample(x=normal(10, 3)), sample(x=normal(10 + shift, 3))).report.columns
    assert column.wasserstein == pytest.approx(shift, rel=1e-9)
    assert column.wasserstein_scaled == pytest.approx(shift / 3, rel=1e-3)
    # The gap is largest in the middle between both means.
    assert column.ks == pytest.approx(2 * stats.norm.cdf(shift / 3 / 2) - 1, abs=1e-3)


def test_two_normals_of_one_mean_are_as_far_apart_as_their_widths() -> None:
    (column,) = compare(sample(x=normal(0, 1)), sample(x=normal(0, 2))).report.columns
    assert column.wasserstein == pytest.approx(math.sqrt(2 / math.pi), rel=5e-3)
    place = math.sqrt(8 / 3 * math.log(2))  # where both densities are the same
    assert column.ks == pytest.approx(stats.norm.cdf(place) - stats.norm.cdf(place / 2), abs=1e-3)
    assert "their middle half is 2.00 times as wide" in column.verdict


def test_the_variation_of_categories_is_the_share_that_would_have_to_change() -> None:
    real, synthetic = ["a"] * 500 + ["b"] * 300 + ["c"] * 200, ["a"] * 400 + ["b"] * 300 + ["d"] * 300
    (column,) = compare(sample(x=real), sample(x=synthetic)).report.columns
    assert column.total_variation == pytest.approx(0.3)
    assert column.level is Level.POOR
    assert "30.0% are in categories that no real record has" in column.verdict
    assert "categories of 20.0% of the real values do not occur" in column.verdict


@given(
    st.lists(st.integers(0, 50), min_size=2, max_size=8).filter(any),
    st.lists(st.integers(0, 50), min_size=2, max_size=8).filter(any),
)
def test_the_variation_is_symmetric_and_a_share(one: list[int], other: list[int]) -> None:
    counts = distances.counted(dict(enumerate_names(one)), dict(enumerate_names(other)))
    found = distances.total_variation(*counts)
    assert found == pytest.approx(distances.total_variation(*counts[::-1]))
    assert -1e-12 <= found <= 1 + 1e-12
    assert distances.total_variation(counts[0], counts[0] * 3) == pytest.approx(0)


def enumerate_names(counts: list[int]) -> list[tuple[str, int]]:
    return [(f"c{number}", count) for number, count in enumerate(counts)]


def test_what_chance_makes_is_seldom_more_than_it_is_said_to_make() -> None:
    rng = np.random.default_rng(1)
    above = np.zeros(2)
    for _ in range(400):
        one, other = rng.normal(size=300), rng.normal(size=200)
        above[0] += distances.kolmogorov_smirnov(one, other) > distances.chance_of_gap(300, 200)
        bins = distances.binned(one, other)
        above[1] += distances.total_variation(*bins) > distances.chance_of_variation(*bins)
    assert (above <= 12).all()


def test_a_number_that_comes_often_has_a_bin_of_its_own() -> None:
    rng = np.random.default_rng(2)
    often = rng.random(ROWS) < 0.5
    real, beside = (np.where(often, value, rng.normal(0, 1, ROWS)) for value in (0.0, 1e-6))
    assert distances.total_variation(*distances.binned(real, beside)) == pytest.approx(0.5, abs=0.05)


def test_samples_of_one_source_are_found_to_be_good() -> None:
    comparison = compare(sample(**customers(1)), sample(**customers(2)))
    assert set(levels(comparison).values()) == {Level.GOOD}
    assert set(pair_levels(comparison).values()) == {Level.GOOD}
    assert comparison.report.privacy.level is Level.GOOD
    measures = {(each.one, each.other): each for each in comparison.report.pairs}
    assert len(measures) == 10
    age_income = measures["age", "income"]
    assert age_income.measure == SPEARMAN
    assert age_income.real == pytest.approx(age_income.synthetic, abs=0.05)
    assert age_income.pearson_real is not None
    assert measures["city", "plan"].measure == CRAMER
    assert measures["city", "plan"].real == pytest.approx(0.8, abs=0.03)
    assert measures["income", "plan"].measure == RATIO
    assert measures["age", "city"].real == pytest.approx(0, abs=0.05)


@pytest.mark.parametrize("wrong", ["age", "income", "city", "plan", "phone"])
def test_a_wrong_column_is_found_and_no_other_is_blamed(wrong: str) -> None:
    right = customers(2)
    rng = np.random.default_rng(3)
    worse = {
        "age": lambda: right["age"] + 6,
        "income": lambda: right["income"] * np.exp(rng.normal(0, 1, ROWS)),
        "city": lambda: rng.choice(["Bath", "York"], ROWS).tolist(),
        "plan": lambda: ["basic"] * ROWS,
        "phone": lambda: pa.array(right["phone"].to_pylist(), mask=rng.random(ROWS) < 0.4),
    }[wrong]()
    comparison = compare(sample(**customers(1)), sample(**{**right, wrong: worse}))
    found = levels(comparison)
    assert found.pop(wrong) in (Level.FAIR, Level.POOR)
    assert set(found.values()) == {Level.GOOD}


@pytest.mark.parametrize(
    ("wrong", "pairs"),
    [
        ("age", {("age", "income")}),
        ("city", {("city", "plan"), ("income", "city")}),
        ("plan", {("city", "plan"), ("income", "plan")}),
    ],
)
def test_a_pair_that_lost_its_relation_is_found_though_both_columns_are_right(
    wrong: str, pairs: set[tuple[str, str]]
) -> None:
    right = customers(2)
    shuffled = np.random.default_rng(4).permutation(np.array(right[wrong])).tolist()
    comparison = compare(sample(**customers(1)), sample(**{**right, wrong: shuffled}))
    assert set(levels(comparison).values()) == {Level.GOOD}
    bad = {pair for pair, level in pair_levels(comparison).items() if level in (Level.FAIR, Level.POOR)}
    assert bad == pairs
    first = comparison.report.worst_pairs[0]
    assert (first.one, first.other) in pairs


def test_one_very_large_number_does_not_hide_how_numbers_go_with_categories() -> None:
    plain = customers(1)
    far = {**plain, "income": np.append(plain["income"][:-1], 1e12)}
    found = [
        next(each.real for each in compare(sample(**each), sample(**each)).report.pairs if each.measure == RATIO)
        for each in ({"income": which["income"], "plan": which["plan"]} for which in (plain, far))
    ]
    assert found[0] is not None
    assert found[0] > 0.4
    assert found[1] == pytest.approx(found[0], abs=0.01)


@pytest.mark.parametrize("share", [0.03, 0.3])
def test_copies_of_real_records_are_found(share: float) -> None:
    real, synthetic = sample(**customers(1)), sample(**customers(2))
    many = int(share * ROWS)
    mixed = pa.concat_tables([real.table.slice(0, many), synthetic.table.slice(many)])
    privacy = compare(real, sample_of("mixed", mixed)).report.privacy
    assert privacy.level is Level.POOR
    assert privacy.copies == pytest.approx(share, abs=1e-9)
    assert privacy.repeats == 0
    assert f"{share:.1%} of the synthetic records are real ones" in privacy.verdict


def test_real_records_with_a_little_noise_are_found_by_their_nearness() -> None:
    real = customers(1)
    rng = np.random.default_rng(5)
    near = {
        **real,
        "age": real["age"] + rng.normal(0, 0.05, ROWS),
        "income": real["income"] * rng.normal(1, 0.003, ROWS),
    }
    privacy = compare(sample(**real), sample(**near)).report.privacy
    assert privacy.copies == 0
    assert privacy.level is Level.POOR
    assert privacy.near is not None
    assert privacy.near > 0.5
    assert privacy.median_synthetic is not None
    assert privacy.median_real is not None
    assert privacy.median_synthetic < privacy.median_real / 5


@pytest.mark.parametrize("columns", [1, 3])
def test_honest_samples_raise_no_alarm(columns: int) -> None:
    """The real sample's own grid, ties and pairs must not make fresh draws look too near."""
    alarms = []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        real, synthetic = (
            [
                series_of(sample(x=np.round(rng.lognormal(3, 0.8, 1000), 2), n=rng.poisson(3, 1000)), name)
                for name in ("x", "n", "x")[:columns]
            ]
            for _ in range(2)
        )
        alarms.append(privacy_of(real, synthetic, seed=seed)[0].level)
    assert set(alarms) == {Level.GOOD}


def test_records_of_few_kinds_that_come_twice_anyway_are_no_copies() -> None:
    rng = np.random.default_rng(6)
    real, synthetic = (
        sample(city=rng.choice(["Bath", "York"], ROWS).tolist(), stars=rng.integers(1, 6, ROWS)) for _ in range(2)
    )
    privacy = compare(real, synthetic).report.privacy
    assert privacy.level is Level.GOOD
    assert privacy.repeats == privacy.copies == 1


def test_copied_texts_are_found_and_those_that_repeat_anyway_are_not() -> None:
    rng = np.random.default_rng(7)
    note = [f"note {number}" for number in rng.permutation(10**5)]
    first = [f"name {number}" for number in rng.integers(0, 150, 2 * ROWS)]
    real = sample(note=note[:ROWS], first=first[:ROWS])
    fresh = compare(real, sample(note=note[ROWS : 2 * ROWS], first=first[ROWS:])).report
    assert fresh.privacy.copied_texts == ()
    assert fresh.columns[1].verbatim == 1
    copied = compare(
        real, sample(note=note[: ROWS // 5] + note[ROWS : 2 * ROWS - ROWS // 5], first=first[ROWS:])
    ).report
    assert copied.privacy.copied_texts == ("note",)
    assert copied.privacy.level is Level.POOR
    assert copied.columns[0].verbatim == pytest.approx(0.2)


@pytest.mark.slow
def test_a_sample_of_the_fitted_schema_is_close_to_the_real_one() -> None:
    real = sample(**customers(1), member=np.random.default_rng(8).random(ROWS) < 0.3)
    schema = parse_schema(fit(real, "like").yaml())
    report = compare(real, sample_of("like", DataSet(schema, ROWS, seed=5).table())).report
    assert {each.name for each in report.columns if each.level is not Level.GOOD} == set()
    # What a schema can say of pairs: categories that depend on one another only in part are not among it.
    numbers = [each for each in report.pairs if each.measure == SPEARMAN]
    assert len(numbers) == 3
    assert {each.level for each in numbers} == {Level.GOOD}
    assert {(each.one, each.other) for each in report.worst_pairs} == {
        ("city", "plan"),
        ("income", "plan"),
        ("income", "city"),
    }
    assert report.privacy.level is Level.GOOD


def test_what_has_no_values_has_no_data_and_not_a_good_mark() -> None:
    comparison = compare(
        sample(a=pa.nulls(ROWS), b=[float("nan")] * ROWS, c=[1.0] * ROWS, d=[[1]] * ROWS, e=[1] * ROWS),
        sample(a=pa.nulls(ROWS), b=[1.5] * ROWS, c=[1.0] * ROWS, d=[[1]] * ROWS, e=pa.nulls(ROWS)),
    )
    assert levels(comparison) == {
        "a": Level.NO_DATA,
        "b": Level.POOR,
        "c": Level.GOOD,
        "d": Level.NO_DATA,
        "e": Level.POOR,
    }
    verdicts = {each.name: each.verdict for each in comparison.report.columns}
    assert verdicts["a"] == "no data: all values are missing in both samples"
    assert verdicts["b"] == "no data to compare: all real values are missing"
    assert verdicts["e"].startswith("no data to compare: all synthetic values are missing")
    assert "all real values are the same" in verdicts["c"]
    assert set(pair_levels(comparison).values()) <= {Level.NO_DATA}
    json.dumps(comparison.report.as_json(), allow_nan=False)


def test_few_values_tell_nothing() -> None:
    report = compare(sample(x=[1.0, 2, 3, 4, 5]), sample(x=[1.5, 2, 3, 4, 7])).report
    assert report.columns[0].level is Level.NO_DATA
    assert "too few values to tell" in report.columns[0].verdict
    assert report.privacy.verdict == "no data: too few records"
    assert compare(sample(x=[[1]]), sample(x=[[1]])).report.privacy.level is Level.NO_DATA
    assert level_of(0.9, chance=0.3) is Level.POOR


def test_one_record_is_compared_without_a_warning_of_a_library() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        [column] = compare(sample(x=[1.0]), sample(x=[2.0])).report.columns
    assert column.level is Level.NO_DATA


@given(
    st.lists(st.integers(0, 9), min_size=1, max_size=20),
    st.lists(st.floats(0, 9, width=16), min_size=1, max_size=20),
)
def test_the_largest_gap_is_what_scipy_says(one: list[float], other: list[float]) -> None:
    ours, theirs = np.array(one, dtype=float), np.array(other)
    expected = stats.ks_2samp(ours, theirs, method="exact").statistic
    assert distances.kolmogorov_smirnov(ours, theirs) == pytest.approx(expected)


def test_one_value_that_is_a_category_by_chance_is_no_other_kind_of_column() -> None:
    texts = [f"text {number}" for number in range(200)]
    report = compare(sample(x=texts), sample(x=["text"] * 200)).report
    assert report.columns[0].role is Role.TEXT
    assert report.columns[0].level is Level.POOR


def test_columns_that_do_not_match_are_refused_with_their_names() -> None:
    real = sample("real.csv", a=[1], b=["x"], c=[1])
    with pytest.raises(
        ColumnsDiffer, match=r"^s.csv against real.csv: lacks the columns b, c and has alone d: the columns"
    ):
        compare(real, sample("s.csv", a=[1], d=[2]))
    with pytest.raises(ColumnsDiffer, match=r"column c: it holds string, and the real column int64$"):
        compare(real, sample("s.csv", a=[1], b=["x"], c=["1"]))
    with pytest.raises(ColumnsDiffer, match=r"column b: it holds bool, and the real column string$"):
        compare(sample("real.csv", b=["x", "x"]), sample("s.csv", b=[True]))


@pytest.mark.slow
def test_the_same_samples_give_the_same_report_and_another_seed_other_draws() -> None:
    real, synthetic = sample(**customers(1, rows=20_000)), sample(**customers(2, rows=20_000))
    reports = [compare(real, synthetic, seed=seed).report for seed in (1, 1, 2)]
    assert reports[0] == reports[1]
    assert reports[0].privacy.median_real != reports[2].privacy.median_real
    assert reports[0].pairs[0].real != reports[2].pairs[0].real


@pytest.mark.slow
def test_pairs_of_very_many_columns_are_left_out_and_named() -> None:
    rng = np.random.default_rng(9)
    wide = sample(**{f"x{number:02}": rng.normal(size=50) for number in range(43)})
    report = compare(wide, wide).report
    assert report.unpaired == ("x40", "x41", "x42")
    assert len(report.pairs) == 40 * 39 / 2
