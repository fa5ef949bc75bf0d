"""Combinations of faults: a covering few by default, all of them in `make test-full`."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from _pytest.mark.structures import ParameterSet

Combination = tuple[Any, ...]


def covering(*axes: Sequence[Any], together: int) -> list[ParameterSet]:
    """Return every combination of one value per axis as parameters of a test; mark those that add no cover as `full`.

    The others hold every combination of values of any `together` axes: 1 has each value, 2 is known as pairwise.
    """
    combinations = list(itertools.product(*axes))
    chosen = choose(combinations, together)
    return [pytest.param(*each, marks=() if each in chosen else pytest.mark.full) for each in combinations]


def choose(combinations: Sequence[Combination], together: int) -> set[Combination]:
    """Choose greedily: the most uncovered tuples first, then the values that were chosen least."""
    missing = {part for combination in combinations for part in _parts(combination, together)}
    chosen: set[Combination] = set()
    uses: Counter[tuple[int, Any]] = Counter()
    while missing:
        best = max(
            combinations,
            key=lambda each: (len(missing & _parts(each, together)), -sum(uses[place] for place in enumerate(each))),
        )
        chosen.add(best)
        missing -= _parts(best, together)
        uses.update(enumerate(best))
    return chosen


def _parts(combination: Combination, together: int) -> set[tuple[tuple[int, Any], ...]]:
    return set(itertools.combinations(enumerate(combination), together))
