"""Inputs against the facts: ranges, lengths, patterns, allowed values."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from localcloud.contract.facts import Bounds, Facts
from localcloud.contract.paths import items, select
from localcloud.contract.problems import Problem, one_of, shown
from localcloud.contract.unknown import UNKNOWN


def broken_limits(facts: Facts, inputs: Mapping[str, Any]) -> Iterator[Problem]:
    """Every limit of the facts that checked inputs break; values of a wrong type are no concern of this one."""
    for pattern, bounds in facts.lengths.items():
        for path, value in select(pattern, inputs):
            if isinstance(value, str | list) and not _within(len(value), bounds):
                what = "characters" if isinstance(value, str) else "items"
                yield Problem(path, f"expected {_range(bounds)} {what}, got {len(value)}")
    yield from _broken_values(facts, inputs)


def _broken_values(facts: Facts, inputs: Mapping[str, Any]) -> Iterator[Problem]:
    for path, value, bounds in _values(facts.ranges, inputs):
        if isinstance(value, int | float) and not isinstance(value, bool) and not _within(value, bounds):
            yield Problem(path, f"expected {_range(bounds)}, got {shown(value)}")
    for path, value, expression in _values(facts.patterns, inputs):
        if isinstance(value, str) and not re.fullmatch(expression, value):
            yield Problem(path, f"expected text like {expression}, got {shown(value)}")
    for path, value, allowed in _values(facts.allowed, inputs):
        if value not in allowed:
            yield Problem(path, f"expected {one_of(allowed)}, got {shown(value)}")


def _values(limits: Mapping[str, Any], inputs: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """Each single known value that has a limit, with its path and that limit."""
    for pattern, limit in limits.items():
        for path, found in select(pattern, inputs):
            for place, value in items(path, found):
                if value is not UNKNOWN:
                    yield place, value, limit


def _within(number: float, bounds: Bounds) -> bool:
    lowest, highest = bounds
    return (lowest is None or number >= lowest) and (highest is None or number <= highest)


def _range(bounds: Bounds) -> str:
    lowest, highest = bounds
    if highest is None:
        return f"at least {lowest}"
    return f"at most {highest}" if lowest is None else f"{lowest} to {highest}"
