"""Numbers follow the distributions that schemas name: tested against SciPy's, with fixed seeds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from app.synthetic import Column, DataSet, Field, Schema
from app.synthetic.errors import ImpossibleParameters
from app.synthetic.numbers import Integers, LogNormal, Mixture, Normal, Pareto, Part, Poisson, Uniform, Weights
from app.synthetic.registry import column_of

ROWS = 200_000
LIKELY = 0.001
"""A fit this improbable is a fault; seeds are fixed, so that chance does not fail a test later."""
UNLIKELY = 1e-9
"""What a slightly wrong distribution must come out as, or the test would see nothing."""


def drawn(column: Column, rows: int = ROWS) -> NDArray[Any]:
    values = DataSet(Schema("numbers", (Field("x", column),)), rows, seed=11, workers=2).table()["x"]
    return np.asarray(values.to_numpy())


def fits(values: NDArray[Any], distribution: Any) -> float:
    return float(stats.kstest(values, distribution.cdf).pvalue)


CONTINUOUS: Mapping[str, tuple[Column, Any, Any]] = {
    "uniform": (Uniform(low=-2, high=5), stats.uniform(-2, 7), stats.uniform(-2, 7.1)),
    "normal": (Normal(mean=40, deviation=9), stats.norm(40, 9), stats.norm(40.2, 9)),
    "lognormal": (LogNormal(median=30, sigma=0.8), stats.lognorm(0.8, scale=30), stats.lognorm(0.8, scale=30.5)),
    "pareto": (Pareto(minimum=5, alpha=1.8), stats.pareto(1.8, scale=5), stats.pareto(1.85, scale=5)),
    "cut normal": (
        Normal(mean=40, deviation=20, least=18, most=100),
        stats.truncnorm(-1.1, 3, loc=40, scale=20),
        stats.norm(40, 20),
    ),
    "cut pareto": (
        Pareto(minimum=5, alpha=1.8, most=50),
        stats.truncpareto(1.8, 10, scale=5),
        stats.pareto(1.8, scale=5),
    ),
}


@pytest.mark.parametrize("name", CONTINUOUS)
def test_continuous_numbers_follow_their_distribution(name: str) -> None:
    column, right, nearly = CONTINUOUS[name]
    values = drawn(column)
    assert fits(values, right) > LIKELY
    assert fits(values, nearly) < UNLIKELY


def test_a_mixture_follows_the_weighted_sum_of_its_parts() -> None:
    column = column_of(
        {
            "kind": "number.mixture",
            "parts": [
                {"weight": 7, "of": {"kind": "number.normal", "mean": 20, "deviation": 3}},
                {"weight": 3, "of": {"kind": "number.uniform", "low": 40, "high": 60}},
            ],
        }
    )

    class Sum:
        def __init__(self, share: float) -> None:
            self.share = share

        def cdf(self, x: NDArray[np.float64]) -> Any:
            return self.share * stats.norm.cdf(x, 20, 3) + (1 - self.share) * stats.uniform.cdf(x, 40, 20)

    assert fits(drawn(column), Sum(0.7)) > LIKELY
    assert fits(drawn(column), Sum(0.71)) < UNLIKELY


@pytest.mark.parametrize("mean", [0.3, 4, 250])
def test_counts_follow_poisson(mean: float) -> None:
    def p(of: float) -> float:
        counts = np.bincount(drawn(Poisson(mean=mean)), minlength=1)
        expected = stats.poisson.pmf(np.arange(len(counts)), of) * ROWS
        enough = expected > 10
        observed = np.append(counts[enough], counts[~enough].sum())
        return float(stats.chisquare(observed, np.append(expected[enough], ROWS - expected[enough].sum())).pvalue)

    assert p(mean) > LIKELY
    assert p(mean * 1.03) < UNLIKELY


def test_integers_are_all_alike_ends_included() -> None:
    values = drawn(Integers(low=-3, high=12))
    assert values.dtype == np.int64
    assert stats.chisquare(np.unique(values, return_counts=True)[1]).pvalue > LIKELY
    assert (values.min(), values.max()) == (-3, 12)


def test_draws_are_as_frequent_as_their_weights() -> None:
    weights = np.random.default_rng(1).pareto(1, 1000)
    weights[:10] = 0
    counts = np.bincount(Weights(weights).draw(np.random.default_rng(2), 1_000_000), minlength=1000)
    assert not counts[:10].any()
    expected = weights[10:] / weights.sum() * 1_000_000
    assert stats.chisquare(counts[10:], expected).pvalue > LIKELY
    assert stats.chisquare(counts[10:], np.roll(expected, 1)).pvalue < UNLIKELY


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=60).filter(lambda weights: sum(weights) > 1e-3))
def test_the_alias_table_holds_every_weight_exactly(weights: list[float]) -> None:
    table = Weights(weights)
    held = table._share.copy()
    np.add.at(held, table._alias, 1 - table._share)
    assert held / len(weights) == pytest.approx(np.array(weights) / sum(weights), abs=1e-9)


def test_rounding_keeps_decimals_and_whole_numbers_are_integers() -> None:
    money = drawn(LogNormal(median=30, sigma=1, decimals=2), 1000)
    assert (np.round(money, 2) == money).all()
    assert len(set(money)) > 900
    whole = drawn(Normal(mean=1e6, deviation=1e5, decimals=0), 1000)
    assert whole.dtype == np.int64
    assert abs(whole.mean() - 1e6) < 2e4
    assert drawn(Pareto(minimum=1, alpha=0.2, decimals=0), 100_000).max() == 2**53


def test_a_unique_number_never_comes_twice() -> None:
    column = Integers(low=1000, high=100_999, unique=True)
    data = DataSet(Schema("numbers", (Field("x", column),)), 100_000, seed=1, chunk_rows=999)
    assert sorted(data.table()["x"].to_pylist()) == list(range(1000, 101_000))


NOTHING = float("nan")
IMPOSSIBLE: list[tuple[Callable[[], Column], str]] = [
    (lambda: Uniform(low=2, high=2), "low is 2, and high only 2"),
    (lambda: Normal(deviation=0), "deviation is 0: it must be above 0"),
    (lambda: Normal(mean=NOTHING), "mean is nan: it must be finite"),
    (lambda: Normal(mean=1e101), "mean is 1e"),
    (lambda: Normal(least=5, most=4), "least is 5, and most only 4"),
    (lambda: Normal(least=50), "fewer than 1 in 100 draws fall between least and most"),
    (lambda: Normal(decimals=13), "decimals is 13: it goes from 0 to 12"),
    (lambda: Normal(decimals=-1), "decimals is -1"),
    (lambda: LogNormal(median=0, sigma=1), "median is 0: it must be above 0"),
    (lambda: LogNormal(median=1, sigma=0), "sigma is 0: it must be above 0"),
    (lambda: Pareto(minimum=-1, alpha=1), "minimum is -1"),
    (lambda: Pareto(minimum=1, alpha=0), "alpha is 0"),
    (lambda: Poisson(mean=-1), "mean is -1"),
    (lambda: Integers(low=3, high=2), "low is 3, and high only 2"),
    (lambda: Integers(low=0, high=2**62), "within 62 bits"),
    (lambda: Uniform(low=1e20, high=2e20, decimals=0), "more than 1 in 100 whole numbers lie beyond 2\\*\\*53"),
    (lambda: Normal(mean=-9.1e15, decimals=0), "more than 1 in 100 whole numbers lie beyond"),
    (lambda: Normal(mean=1, least=1e16, most=2e16, decimals=0), "fewer than 1 in 100"),
    (
        lambda: Mixture(parts=[Part(weight=1, of=Normal()), Part(weight=1, of=Normal(mean=1e17))], decimals=0),
        "more than 1 in 100 whole numbers lie beyond",
    ),
    (lambda: Mixture(parts=()), "a mixture has no parts"),
    (lambda: Mixture(parts=[Part(weight=-1, of=Normal())]), "a weight is negative"),
    (lambda: Mixture(parts=[Part(weight=0, of=Normal())]), "all weights are 0"),
]


@pytest.mark.parametrize(("make", "reason"), IMPOSSIBLE, ids=[reason for _, reason in IMPOSSIBLE])
def test_impossible_parameters_are_refused(make: Callable[[], Column], reason: str) -> None:
    with pytest.raises(ImpossibleParameters, match=reason):
        make()
