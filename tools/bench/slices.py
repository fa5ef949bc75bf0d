"""Two sides measured in turn, in short slices, so that a machine that gets slower or faster does so for both."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

PAIRS = 11
WARM_UPS = 1
ATTEMPTS = 5
"""Attempts at a slice that measures nothing, as happens on a busy machine."""

Slice = Callable[[], float]


class NothingMeasured(Exception):
    """Slices gave no figure; the message says how many."""


@dataclass(frozen=True)
class Pairs:
    """Figures of both sides, pair by pair."""

    ours: tuple[float, ...]
    theirs: tuple[float, ...]

    @property
    def ours_by_theirs(self) -> list[float]:
        """Return ours divided by theirs, pair by pair."""
        return [ours / theirs for ours, theirs in zip(self.ours, self.theirs, strict=True)]

    @property
    def extra_percent(self) -> list[float]:
        """Return by how many percent ours exceeds theirs."""
        return [100 * (ratio - 1) for ratio in self.ours_by_theirs]


def paired(ours: Slice, theirs: Slice, *, pairs: int = PAIRS, warm_ups: int = WARM_UPS) -> Pairs:
    """Measure both sides `pairs` times, each going first in every other pair: A B, B A, A B, …"""
    for _ in range(warm_ups):
        ours()
        theirs()
    found: list[tuple[float, float]] = []
    for number in range(pairs):
        if number % 2 == 0:
            first, second = measure(ours), measure(theirs)
        else:
            second, first = measure(theirs), measure(ours)
        found.append((first, second))
    return Pairs(tuple(pair[0] for pair in found), tuple(pair[1] for pair in found))


def measure(side: Slice) -> float:
    """Measure one slice; repeat it while it gives nothing, and raise NothingMeasured after the last attempt."""
    for _ in range(ATTEMPTS):
        if (figure := side()) > 0:
            return figure
    raise NothingMeasured(f"{ATTEMPTS} slices in a row measured nothing; is the machine busy?")


def lengthen(rate: Callable[[float], float], seconds: float) -> float:
    """Return the rate over a slice, doubled in length while nothing is done in it; at last raise NothingMeasured."""
    for doubled in range(ATTEMPTS):
        if (figure := rate(seconds * 2**doubled)) > 0:
            return figure
    raise NothingMeasured(f"nothing was done within {seconds * 2 ** (ATTEMPTS - 1):g} s")


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` (0 to 1) of all values do not exceed (nearest rank)."""
    ranked = sorted(values)
    return ranked[max(0, math.ceil(len(ranked) * share) - 1)]
