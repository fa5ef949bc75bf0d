"""Which distribution a column of numbers has, as a field of a schema."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.synthetic.fidelity.fitting.families import Candidate, candidates
from app.synthetic.fidelity.fitting.observed import Floats, Observed, significant

CRITERIA = ("bic", "aic")
POOR = 0.1
"""Kolmogorov and Smirnov's distance from which even the best distribution fits badly."""

LARGEST_PLAIN = 1e15
"""Whole numbers up to this are written without a point."""


def ranked(numbers: Floats, *, rare: int, criterion: str = "bic") -> list[Candidate]:
    """Return the distributions fitted to finite numbers, two of which differ; best by the criterion first."""
    found = candidates(Observed.of(numbers), rare=rare)
    return sorted(found, key=lambda law: law.by(criterion))


def field_of(chosen: Candidate, observed: Observed) -> dict[str, Any]:
    """Build a field of a schema: parameters with six significant digits, and round limits."""
    field: dict[str, Any] = {"kind": chosen.kind, **_rounded(chosen.parameters)}
    if chosen.unlimited:
        field |= _limits(chosen, observed)
    if chosen.kind.startswith("number.") and chosen.kind not in ("number.integer", "number.poisson"):
        field |= {} if observed.decimals is None else {"decimals": observed.decimals}
    return field


def _limits(chosen: Candidate, observed: Observed) -> Mapping[str, float]:
    """Return the limits of draws: distributions are unbounded, observed values are not."""
    low, high = observed.outward()
    if chosen.kind in ("number.pareto", "number.lognormal", "number.poisson"):
        return {"most": _plain(high)}
    return {"least": _plain(low), "most": _plain(high)}


def _rounded(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _rounded(each) for key, each in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_rounded(item) for item in value]
    return _plain(significant(value)) if isinstance(value, float) else value


def _plain(number: float) -> float:
    return int(number) if number.is_integer() and abs(number) < LARGEST_PLAIN else number
