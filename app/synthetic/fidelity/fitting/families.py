"""The distributions that may stand behind a column of numbers, each with its most likely parameters."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import stats

from app.synthetic.fidelity.fitting.mixtures import NormalMixture, fit_mixture
from app.synthetic.fidelity.fitting.observed import EXACT, Floats, Law, Observed

PARTS = (2, 3)
"""Of mixtures."""
LEAST_FOR_MIXTURES = 100
"""Numbers; fewer say nothing of several parts."""
ZEROS = 0.01
"""Share of zeros among numbers that are otherwise above it from which zeros are a thing of their own."""
MOST_VALUES = 50
"""Of a choice among numbers."""
LARGEST_MEAN = 1e9
SMALLEST_ALPHA = 0.11
LARGEST_SIGMA = 10


@dataclass(frozen=True)
class Candidate:
    """A distribution with its most likely parameters, and how likely they make what was observed."""

    kind: str
    parameters: Mapping[str, Any]
    log_likelihood: float
    free: int
    """Number of fitted parameters."""
    rows: int
    distance: float
    """Kolmogorov and Smirnov's, from what was observed; it tells how good the best one is."""
    unlimited: bool = True
    """True where it reaches beyond the observed values, so that limits help."""
    family: str = ""
    """Its usual name, where the kind does not say it."""

    @property
    def name(self) -> str:
        """Its name in reports."""
        return self.family or self.kind

    @property
    def aic(self) -> float:
        """Akaike's criterion, the less the better."""
        return 2 * self.free - 2 * self.log_likelihood

    @property
    def bic(self) -> float:
        """Schwarz's criterion, the less the better."""
        return self.free * math.log(self.rows) - 2 * self.log_likelihood

    def by(self, criterion: str) -> float:
        """Return the criterion with that name, `aic` or `bic`."""
        return self.aic if criterion == "aic" else self.bic


def candidates(observed: Observed, *, rare: int) -> list[Candidate]:
    """Fit every distribution that the numbers can have; at least two of them must differ."""
    found = [law for family in FAMILIES for law in family(observed) if math.isfinite(law.log_likelihood)]
    inflated = list(_with_zeros(observed))
    if inflated and observed.decimals is None:
        return inflated  # no density is comparable to the probability of a zero
    return [*found, *inflated, *_choice(observed, rare)]


def _normal(observed: Observed) -> Iterator[Candidate]:
    law = stats.norm(observed.mean(), observed.deviation())
    parameters = {"mean": law.mean(), "deviation": law.std()}
    yield _candidate("number.normal", parameters, observed, law, free=2)


def _log_normal(observed: Observed) -> Iterator[Candidate]:
    if observed.low > 0:
        logs = np.log(observed.values)
        sigma, median = observed.deviation(logs), math.exp(observed.mean(logs))
        if 0 < sigma <= LARGEST_SIGMA:
            law = stats.lognorm(sigma, scale=median)
            yield _candidate("number.lognormal", {"median": median, "sigma": sigma}, observed, law, free=2)


def _pareto(observed: Observed) -> Iterator[Candidate]:
    if observed.low > 0:
        minimum = _floored(observed.low if observed.decimals is None else observed.low - 0.5 * 10.0**-observed.decimals)
        alpha = 1 / max(observed.mean(np.log(observed.values / minimum)), 1e-12) if minimum > 0 else 0
        if SMALLEST_ALPHA < alpha < 1 / 1e-6:
            law = stats.pareto(alpha, scale=minimum)
            yield _candidate("number.pareto", {"minimum": minimum, "alpha": alpha}, observed, law, free=2)


def _floored(number: float) -> float:
    """Round down to three significant digits: the exact minimum is somebody's own number."""
    if number <= 0:
        return 0.0
    places = 2 - math.floor(math.log10(number))
    return float(round(math.floor(number * 10.0**places + EXACT) / 10.0**places, max(places, 0)))


def _poisson(observed: Observed) -> Iterator[Candidate]:
    if observed.is_whole and observed.low >= 0 and 0 < observed.mean() <= LARGEST_MEAN:
        law = _Counts(observed.mean())
        yield _candidate("number.poisson", {"mean": observed.mean()}, observed, law, free=1)


def _uniform(observed: Observed) -> Iterator[Candidate]:
    low, high = observed.outward(2)
    if observed.is_whole:
        law = stats.uniform(low - 0.5, high - low + 1)
        found = _candidate("number.integer", {"low": int(low), "high": int(high)}, observed, law, free=2)
    else:
        law = stats.uniform(low, high - low)
        found = _candidate("number.uniform", {"low": low, "high": high}, observed, law, free=2)
    yield replace(found, unlimited=False)


def _mixtures(observed: Observed) -> Iterator[Candidate]:
    if observed.rows < LEAST_FOR_MIXTURES:
        return
    for logarithmic in (False, True) if observed.low > 0 else (False,):
        for parts in PARTS:
            mixture = fit_mixture(observed, parts, logarithmic=logarithmic)
            if mixture is not None:
                parameters = {"parts": [{"weight": weight, "of": of} for weight, of in _parts(mixture)]}
                found = _candidate("number.mixture", parameters, observed, mixture, free=3 * parts - 1)
                yield replace(found, family=f"{parts} {'log-' if logarithmic else ''}normal parts")


def _parts(mixture: NormalMixture) -> Iterator[tuple[float, Mapping[str, Any]]]:
    for weight, mean, deviation in zip(mixture.weights, mixture.means, mixture.deviations, strict=True):
        if mixture.logarithmic:
            of = {"kind": "number.lognormal", "median": float(np.exp(mean)), "sigma": float(deviation)}
        else:
            of = {"kind": "number.normal", "mean": float(mean), "deviation": float(deviation)}
        yield float(weight), of


FAMILIES: tuple[Callable[[Observed], Iterator[Candidate]], ...] = (
    _normal,
    _log_normal,
    _pareto,
    _poisson,
    _uniform,
    _mixtures,
)


def _with_zeros(observed: Observed) -> Iterator[Candidate]:
    """Fit a mixture of zeros and a distribution for the other numbers."""
    zeros = int(observed.counts[observed.values == 0].sum())
    rest = observed.without_zeros()
    if zeros < ZEROS * observed.rows or len(rest.values) < 2 or observed.low < 0:
        return
    share = zeros / observed.rows
    constant = zeros * math.log(share) + rest.rows * math.log(1 - share)
    for family in (_normal, _log_normal, _pareto):
        for law in family(rest):
            parts = [
                # Nothing that happens 0 times on average ever happens: this makes zeros.
                {"weight": share, "of": {"kind": "number.poisson", "mean": 0}},
                {"weight": 1 - share, "of": {"kind": law.kind, **law.parameters, **_above_zero(rest, law)}},
            ]
            yield replace(
                law,
                kind="number.mixture",
                family=f"zeros and {law.name}",
                parameters={"parts": parts},
                log_likelihood=law.log_likelihood + constant,
                free=law.free + 1,
                rows=observed.rows,
                distance=law.distance * (1 - share),
            )


def _above_zero(rest: Observed, candidate: Candidate) -> Mapping[str, float]:
    """Keep a normal part from falling below the zeros beside it."""
    least = rest.outward()[0]
    return {"least": max(least, 0.0)} if candidate.kind == "number.normal" else {}


def _choice(observed: Observed, rare: int) -> Iterator[Candidate]:
    """Fit a choice among the numbers where each is frequent: ratings, sizes, tax rates."""
    if 2 <= len(observed.values) <= MOST_VALUES and observed.counts.min() >= rare and observed.decimals is not None:
        shares = observed.counts / observed.rows
        values = [int(value) if observed.is_whole else float(value) for value in observed.values]
        yield Candidate(
            kind="choice",
            parameters={"values": dict(zip(values, shares.tolist(), strict=True))},
            log_likelihood=float(observed.counts @ np.log(shares)),
            free=len(values) - 1,
            rows=observed.rows,
            distance=0.0,
            unlimited=False,
        )


def _candidate(kind: str, parameters: Mapping[str, Any], observed: Observed, law: Law, *, free: int) -> Candidate:
    return Candidate(kind, parameters, observed.log_likelihood(law), free, observed.rows, observed.distance(law))


@dataclass(frozen=True)
class _Counts:
    """Poisson's distribution; it has no density, but all the probability of a unit around each count."""

    mean: float

    def cdf(self, x: Floats) -> Floats:
        found: Floats = stats.poisson.cdf(np.floor(x), self.mean)
        return found

    def logpdf(self, x: Floats) -> Floats:
        found: Floats = stats.poisson.logpmf(np.rint(x), self.mean)
        return found
