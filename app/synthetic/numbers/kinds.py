"""Kinds of numbers, by the names that schemas call them."""

from __future__ import annotations

from collections.abc import Mapping

from app.synthetic.columns import Column
from app.synthetic.numbers.distributions import Integers, LogNormal, Normal, Pareto, Poisson, Uniform
from app.synthetic.numbers.mixture import Mixture

KINDS: Mapping[str, type[Column]] = {
    "number.integer": Integers,
    "number.uniform": Uniform,
    "number.normal": Normal,
    "number.lognormal": LogNormal,
    "number.pareto": Pareto,
    "number.poisson": Poisson,
    "number.mixture": Mixture,
}
