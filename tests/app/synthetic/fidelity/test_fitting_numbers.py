"""The parameters that made numbers are found again, within what chance allows, and no other family is taken for it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from app.synthetic.fidelity.fitting.families import candidates
from app.synthetic.fidelity.fitting.mixtures import fit_mixture
from app.synthetic.fidelity.fitting.numbers import field_of, ranked
from app.synthetic.fidelity.fitting.observed import Observed

ROWS = 20_000
ROOT = math.sqrt(ROWS)
SURE = 4.0
"""Standard errors: seeds are fixed, so this only says how far a right estimate may be."""

Draw = Callable[[np.random.Generator], NDArray[Any]]


def fitted(draw: Draw, *, criterion: str = "bic", seed: int = 5) -> dict[str, Any]:
    numbers = np.asarray(draw(np.random.default_rng(seed)), dtype=np.float64)
    return field_of(ranked(numbers, rare=10, criterion=criterion)[0], Observed.of(numbers))


# Standard errors of the most likely parameters, by the information in a row.
FAMILIES: Mapping[str, tuple[Draw, str, Mapping[str, tuple[float, float]]]] = {
    "normal": (
        lambda rng: rng.normal(50, 7, ROWS),
        "number.normal",
        {"mean": (50, 7 / ROOT), "deviation": (7, 7 / ROOT / math.sqrt(2))},
    ),
    "whole normal": (
        lambda rng: np.round(rng.normal(50, 7, ROWS)),
        "number.normal",
        {"mean": (50, 7 / ROOT), "deviation": (7, 7 / ROOT / math.sqrt(2))},
    ),
    "log-normal": (
        lambda rng: np.round(rng.lognormal(math.log(42), 0.9, ROWS), 2),
        "number.lognormal",
        {"median": (42, 42 * 0.9 / ROOT), "sigma": (0.9, 0.9 / ROOT / math.sqrt(2))},
    ),
    "Pareto": (
        lambda rng: 5 * (1 + rng.pareto(1.8, ROWS)),
        "number.pareto",
        {"minimum": (5, 5 / ROOT), "alpha": (1.8, 1.8 / ROOT)},
    ),
    "Poisson": (lambda rng: rng.poisson(6.5, ROWS), "number.poisson", {"mean": (6.5, math.sqrt(6.5) / ROOT)}),
    "rare Poisson": (lambda rng: rng.poisson(0.3, ROWS), "number.poisson", {"mean": (0.3, math.sqrt(0.3) / ROOT)}),
    "uniform": (lambda rng: rng.uniform(-2, 5, ROWS), "number.uniform", {"low": (-2, 0.0025), "high": (5, 0.0025)}),
    "whole numbers": (
        lambda rng: rng.integers(10, 1010, ROWS, endpoint=True),
        "number.integer",
        {"low": (10, 0.25), "high": (1010, 0.25)},
    ),
}


@pytest.mark.parametrize("criterion", ["bic", "aic"])
@pytest.mark.parametrize("name", FAMILIES)
def test_the_parameters_of_a_family_are_found_again(name: str, criterion: str) -> None:
    draw, kind, parameters = FAMILIES[name]
    field = fitted(draw, criterion=criterion)
    assert field["kind"] == kind
    for parameter, (right, error) in parameters.items():
        assert field[parameter] == pytest.approx(right, abs=SURE * error), parameter


@pytest.mark.parametrize(
    ("draw", "parts"),
    [
        (
            lambda rng: np.where(rng.random(ROWS) < 0.7, rng.normal(20, 3, ROWS), rng.normal(45, 4, ROWS)),
            [(0.7, "mean", 20, "deviation", 3), (0.3, "mean", 45, "deviation", 4)],
        ),
        (
            lambda rng: np.exp(np.where(rng.random(ROWS) < 0.7, rng.normal(2, 0.3, ROWS), rng.normal(5, 0.4, ROWS))),
            [(0.7, "median", math.e**2, "sigma", 0.3), (0.3, "median", math.e**5, "sigma", 0.4)],
        ),
    ],
    ids=["normal", "log-normal"],
)
def test_the_parts_of_a_mixture_are_found_again(draw: Draw, parts: list[tuple[float, str, float, str, float]]) -> None:
    field = fitted(draw)
    assert field["kind"] == "number.mixture"
    assert len(field["parts"]) == len(parts)
    for found, (weight, at, where, width, spread) in zip(field["parts"], parts, strict=True):
        size = math.sqrt(weight * ROWS)
        assert found["weight"] == pytest.approx(weight, abs=SURE * math.sqrt(weight * (1 - weight) / ROWS))
        scale = spread * (where if at == "median" else 1)
        assert found["of"][at] == pytest.approx(where, abs=SURE * scale / size)
        assert found["of"][width] == pytest.approx(spread, abs=SURE * spread / size)


@pytest.mark.parametrize("decimals", [2, 15])
def test_zeros_stand_apart_from_the_rest(decimals: int) -> None:
    field = fitted(
        lambda rng: np.where(rng.random(ROWS) < 0.4, 0, np.round(rng.lognormal(3, 0.8, ROWS), decimals) + 1e-2)
    )
    zeros, rest = field["parts"]
    assert zeros["of"] == {"kind": "number.poisson", "mean": 0}
    assert zeros["weight"] == pytest.approx(0.4, abs=SURE * math.sqrt(0.24 / ROWS))
    assert rest["of"]["kind"] == "number.lognormal"
    assert rest["of"]["sigma"] == pytest.approx(0.8, abs=0.03)


def test_few_different_numbers_are_a_choice_among_them_by_their_shares() -> None:
    shares = {1: 0.1, 2: 0.1, 3: 0.2, 4: 0.25, 5: 0.35}
    field = fitted(lambda rng: rng.choice(list(shares), ROWS, p=list(shares.values())))
    assert field["kind"] == "choice"
    assert list(field["values"]) == list(shares)
    for value, share in shares.items():
        assert field["values"][value] == pytest.approx(share, abs=SURE * 0.5 / ROOT)


def test_a_number_that_few_records_have_is_never_named() -> None:
    numbers = np.array([1.0] * 500 + [2.0] * 500 + [87.0] * 9)
    assert all(each.kind != "choice" for each in candidates(Observed.of(numbers), rare=10))
    assert any(each.kind == "choice" for each in candidates(Observed.of(numbers), rare=9))


def test_limits_are_round_numbers_just_outside() -> None:
    rng = np.random.default_rng(1)
    observed = Observed.of(np.round(rng.normal(640, 85, ROWS), 3))
    low, high = observed.outward()
    assert (low, high) == (300.0, 1000.0)
    assert observed.low not in (low, high)
    assert Observed.of(np.array([0.0, 850.0])).outward() == (0.0, 900.0)
    assert Observed.of(np.array([0.1234, 0.5678, 0.9999])).outward(2) == (0.123, 1.0)


@pytest.mark.parametrize(("decimals", "minimum"), [(0, 512.0), (2, 512.0), (15, 512.0)])
def test_the_minimum_of_a_power_law_is_not_the_least_number(decimals: int, minimum: float) -> None:
    field = fitted(lambda rng: np.round(512.789 * (1 + rng.pareto(1.8, ROWS)), decimals))
    assert field["kind"] == "number.pareto"
    assert field["minimum"] == minimum


def test_a_part_of_a_mixture_never_stands_for_a_single_number() -> None:
    numbers = np.append(np.random.default_rng(2).normal(0, 1, 2000), [500.123] * 40)
    assert fit_mixture(Observed.of(numbers), 2, logarithmic=False) is None


def test_the_best_law_by_each_criterion_comes_first() -> None:
    numbers = np.random.default_rng(3).normal(0, 1, 1000)
    found = ranked(numbers, rare=10)
    assert [each.bic for each in found] == sorted(each.bic for each in found)
    normal = next(each for each in found if each.kind == "number.normal")
    likelihood = stats.norm(numbers.mean(), numbers.std()).logpdf(numbers).sum()
    assert normal.aic == pytest.approx(4 - 2 * likelihood)
    assert normal.bic == pytest.approx(2 * math.log(1000) - 2 * likelihood)
    assert normal.distance == pytest.approx(stats.kstest(numbers, "norm", (numbers.mean(), numbers.std())).statistic)
