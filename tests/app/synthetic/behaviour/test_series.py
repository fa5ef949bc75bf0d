"""Time series: their parts are found again by regression and spectrum, and labels stand where things go wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import signal, stats

from app.synthetic import Chunk, DataSet, SyntheticError, parse_schema, schema_named
from app.synthetic.behaviour import Anomalies, Gaps, Series
from app.synthetic.behaviour.anomalies import (
    DRIFT,
    DROPOUT,
    FROZEN,
    GAP,
    LABELS,
    LEVEL_SHIFT,
    NORMAL,
    SPIKE,
    UnknownAnomaly,
)
from app.synthetic.behaviour.series import OVERTONE, autoregressive
from app.synthetic.errors import ImpossibleParameters
from app.synthetic.pools import offsets

CALM = Anomalies(mean=0)
WHOLE = Gaps(mean=0)
DAY = 86_400
LIKELY = 0.001


def chunk(series: int = 1) -> Chunk:
    return Chunk(0, 0, series, 5, "series")


def made(series: Series, count: int = 1) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Values (NaN where missing) and labels, a row a series."""
    drawn = series.make(chunk(count), {})
    values = drawn.field("value").to_numpy(zero_copy_only=False)
    return values.reshape(count, -1), drawn.field("label").to_numpy().reshape(count, -1)


def test_trend_and_level_are_found_by_regression() -> None:
    series = Series(trend=0.5, points=17_520, anomalies=CALM, gaps=WHOLE)
    values, _ = made(series, 6)
    drawn = series.drawn(chunk(6))
    days = np.arange(17_520) / 24
    yearly = 2 * np.pi * (series.seconds() / (365.25 * DAY))
    factors = np.stack([np.ones(17_520), days, np.cos(yearly), np.sin(yearly)], axis=1)
    found = np.linalg.lstsq(factors, values.T)[0]
    assert found[1] == pytest.approx(drawn.trend, abs=0.005)
    assert found[0] == pytest.approx(drawn.level, abs=2)
    assert np.hypot(found[2], found[3]) == pytest.approx(drawn.amplitudes["yearly"], abs=2)


@pytest.mark.parametrize(("season", "period", "others"), [("daily", DAY, "weekly"), ("weekly", 7 * DAY, "daily")])
def test_the_peak_of_the_spectrum_is_at_the_season(season: str, period: int, others: str) -> None:
    series = Series(points=24 * 7 * 40, yearly=0, trend=0, anomalies=CALM, gaps=WHOLE)
    series = replace(series, daily=0.0) if others == "daily" else replace(series, weekly=0.0)
    values, _ = made(series)
    frequency, power = signal.periodogram(values[0], fs=1 / 3600)
    assert 1 / frequency[power.argmax()] == pytest.approx(period)
    amplitude = np.sqrt(2 * power.max() * frequency[1])
    assert amplitude == pytest.approx(series.drawn(chunk()).amplitudes[season][0], rel=0.1)


def test_the_day_has_its_height_at_the_drawn_hour() -> None:
    series = Series(points=24 * 200, weekly=0, yearly=0, trend=0, spread=0, anomalies=CALM, gaps=WHOLE)
    values, _ = made(series, 20)
    by_hour = values.reshape(20, -1, 24).mean(axis=1)
    off = np.abs(by_hour.argmax(axis=1) - series.drawn(chunk(20)).peaks["daily"] / 3600)
    assert (np.minimum(off, 24 - off) <= 1).all()
    assert by_hour.max() - 100 == pytest.approx(20 * (1 + OVERTONE), rel=0.1)


@pytest.mark.parametrize("memory", [-0.7, 0.0, 0.6, 0.95])
def test_noise_remembers_as_much_as_it_should(memory: float) -> None:
    noise = autoregressive(np.random.default_rng(1), (4, 50_000), memory)
    assert noise.var() == pytest.approx(1, rel=0.06)
    assert noise[:, 0].shape == (4,)
    found = (noise[:, 1:] * noise[:, :-1]).sum() / (noise[:, :-1] ** 2).sum()
    assert found == pytest.approx(memory, abs=0.01)
    shocks = (noise[:, 1:] - memory * noise[:, :-1]) / np.sqrt(1 - memory**2)
    assert stats.kstest(shocks[0], stats.norm.cdf).pvalue > LIKELY
    assert abs(np.corrcoef(shocks[0, 1:], shocks[0, :-1])[0, 1]) < 0.02


def test_noise_begins_as_it_goes_on() -> None:
    first = autoregressive(np.random.default_rng(1), (20_000, 3), 0.9)
    assert first.var(axis=0) == pytest.approx([1, 1, 1], rel=0.03)


@given(st.integers(1, 300), st.floats(-0.99, 0.99))
def test_noise_is_what_a_filter_makes_of_the_draws(points: int, memory: float) -> None:
    draws = np.random.default_rng(3).standard_normal((2, points))
    draws[:, 1:] *= np.sqrt(1 - memory**2)
    expected = signal.lfilter([1], [1, -memory], draws)
    assert autoregressive(np.random.default_rng(3), (2, points), memory) == pytest.approx(expected, abs=1e-9)


def runs(labels: NDArray[np.int64], label: int) -> list[tuple[int, int]]:
    """First point and length of each run of a label in a series."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], labels == label, [0])).astype(int)))
    return [(int(start), int(end - start)) for start, end in edges.reshape(-1, 2)]


def only(name: str, count: int = 30) -> tuple[Series, NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    series = Series(points=4000, gaps=WHOLE, anomalies=Anomalies(mean=5, kinds={name: 1}))
    values, labels = made(series, count)
    assert set(np.unique(labels)) == {NORMAL, LABELS.index(name)}
    return series, series.undisturbed(chunk(count)), values, labels


@pytest.mark.parametrize("name", LABELS[SPIKE:GAP])
def test_values_are_off_where_labels_say_and_nowhere_else(name: str) -> None:
    _, before, values, labels = only(name)
    assert (values == before)[labels == NORMAL].all()
    assert (values != before)[labels != NORMAL].all()


def test_spikes_are_short_and_far_out() -> None:
    series, before, values, labels = only("spike")
    assert {length for row in labels for _, length in runs(row, SPIKE)} == {1, 2, 3}
    off = (values - before)[labels == SPIKE] / series.noise
    assert np.abs(off).min() >= series.anomalies.strength
    assert 0.35 < (off > 0).mean() < 0.65


def test_a_level_shift_is_one_distance_and_comes_back() -> None:
    series, before, values, labels = only("level_shift")
    for row in range(len(values)):
        for start, length in runs(labels[row], LEVEL_SHIFT):
            off = (values - before)[row, start : start + length]
            assert np.ptp(off) == pytest.approx(0, abs=1e-9)
            assert abs(off[0]) >= series.anomalies.strength * series.noise


def test_a_drift_grows_evenly_to_its_end() -> None:
    series, before, values, labels = only("drift")
    for row in range(len(values)):
        for start, length in runs(labels[row], DRIFT):
            off = (values - before)[row, start : start + length]
            assert np.diff(off) == pytest.approx(off[0], abs=1e-9)
            assert abs(off[-1]) >= series.anomalies.strength * series.noise


def test_a_dropout_is_zero_and_a_frozen_series_repeats_the_value_before() -> None:
    _, _, values, labels = only("dropout")
    assert not values[labels == DROPOUT].any()
    _, _, values, labels = only("frozen")
    for row in range(len(values)):
        for start, length in runs(labels[row], FROZEN):
            assert (values[row, start : start + length] == values[row, start - 1]).all()


def test_anomalies_are_as_many_as_long_and_as_mixed_as_asked() -> None:
    anomalies = Anomalies(mean=6, length=0.01, kinds={"spike": 1, "drift": 3})
    windows = anomalies.draw(np.random.default_rng(2), 4000, 10_000)
    counts = np.bincount(windows.series, minlength=4000)
    expected = stats.poisson.pmf(np.arange(1, 13), 6) * 4000
    observed = np.bincount(counts, minlength=13)[1:13]
    assert (
        stats.chisquare(np.append(observed, 4000 - observed.sum()), np.append(expected, 4000 - expected.sum())).pvalue
        > LIKELY
    )
    assert (windows.label == DRIFT).mean() == pytest.approx(0.75, abs=0.01)
    long = windows.length[windows.label == DRIFT] - 4
    assert stats.kstest(long[long < 400], stats.truncexpon(4, scale=100).cdf).statistic < 0.03


@settings(max_examples=50)
@given(st.integers(0, 2**32), st.integers(100, 2000), st.floats(0, 200), st.floats(0.001, 0.5))
def test_anomalies_never_touch_and_never_leave_their_series(seed: int, points: int, mean: float, length: float) -> None:
    windows = Anomalies(mean=mean, length=length).draw(np.random.default_rng(seed), 5, points)
    assert (windows.length >= 1).all()
    assert (windows.length[windows.label != SPIKE] >= 4).all()
    assert (windows.start >= 1).all()
    assert (windows.start + windows.length <= points).all()
    same = windows.series[1:] == windows.series[:-1]
    assert (windows.start[1:] > windows.start[:-1] + windows.length[:-1])[same].all()


def test_gaps_have_no_values_and_hide_no_anomaly() -> None:
    series = Series(points=4000, gaps=Gaps(mean=10, points=8), anomalies=Anomalies(mean=10))
    values, labels = made(series, 50)
    assert (np.isnan(values) == (labels == GAP)).all()
    assert (labels == GAP).mean() == pytest.approx(10 * 8 / 4000, rel=0.15)
    _, without = made(replace(series, gaps=WHOLE), 50)
    assert ((without == labels) | ((labels == GAP) & (without == NORMAL))).all()


@given(st.lists(st.integers(0, 5), max_size=30))
def test_offsets_count_from_zero_in_every_part(lengths: list[int]) -> None:
    assert offsets(np.array(lengths, dtype=np.int64)).tolist() == [n for length in lengths for n in range(length)]


def test_the_schema_that_ships_makes_series_one_after_the_other() -> None:
    one, two = (DataSet(schema_named("series"), 20_000, 3, workers).table() for workers in (1, 2))
    assert one.equals(two)
    assert one["series_id"].to_pylist() == [row // 8760 for row in range(20_000)]
    times = one["time"].to_pylist()
    assert times[0] == datetime(2025, 1, 1, tzinfo=UTC)
    assert times[8759] == datetime(2025, 12, 31, 23, tzinfo=UTC)
    missing = one["value"].is_null().to_pylist()
    assert missing == [label == "gap" for label in one["label"].to_pylist()]
    values = one["value"].drop_null().to_numpy()
    assert (np.round(values, 3) == values).all()


IMPOSSIBLE: list[tuple[Callable[[], object], str]] = [
    (lambda: Series(points=99), "points is 99: it goes from 100"),
    (lambda: Series(points=2_000_000), "points is 2000000"),
    (lambda: Series(step_seconds=0), "step_seconds is 0"),
    (lambda: Series(level=float("nan")), "level is nan: it must be finite"),
    (lambda: Series(daily=-1), "daily is -1"),
    (lambda: Series(noise=float("inf")), "noise is inf"),
    (lambda: Series(memory=1), "memory is 1: it must be above -1 and below 1"),
    (lambda: Series(spread=-0.1), "spread is -0.1"),
    (lambda: Series(start=datetime(9998, 12, 1)), "the series would go on after the year 9998"),
    (lambda: Anomalies(mean=-1), "mean is -1"),
    (lambda: Anomalies(strength=0), "strength is 0"),
    (lambda: Anomalies(length=0.6), r"length is 0\.6"),
    (lambda: Anomalies(kinds={}), "all weights are 0"),
    (lambda: Anomalies(kinds={"spike": -1}), "a weight is negative"),
    (lambda: Gaps(mean=float("nan")), "mean is nan"),
    (lambda: Gaps(points=0), "points is 0"),
]


@pytest.mark.parametrize(("make", "reason"), IMPOSSIBLE, ids=[reason for _, reason in IMPOSSIBLE])
def test_impossible_parameters_are_refused(make: Callable[[], object], reason: str) -> None:
    with pytest.raises(ImpossibleParameters, match=reason):
        make()


SCHEMA = "name: mine\nhidden: {{series: {{kind: series, {}}}}}\nfields: {{value: series.value}}"


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ("anomalies: {kinds: {spkie: 1}}", "field series: anomaly 'spkie' is not known; did you mean 'spike'"),
        ("anomalies: {men: 1}", r"parameter of series 'anomalies.men' is not known"),
        ("points: many", "field series: points is 'many'"),
        ("gaps: {points: 0.5}", r"field series: points is 0\.5"),
    ],
)
def test_a_schema_file_is_told_where_it_is_wrong(parameters: str, reason: str) -> None:
    with pytest.raises(SyntheticError, match=reason):
        parse_schema(SCHEMA.format(parameters))


def test_an_anomaly_that_is_not_known_is_named() -> None:
    with pytest.raises(UnknownAnomaly, match="anomaly 'drop' is not known"):
        Anomalies(kinds={"drop": 1})
