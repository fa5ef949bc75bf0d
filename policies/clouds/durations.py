"""Durations as clouds and clusters write them: `7776000s`, `7d`, `1h30m`, `P12M`."""

from __future__ import annotations

import re

from policies.values import WrongShape
from policies.view import View

DAY_SECONDS = 86_400
_UNITS = re.compile(r"(?=\d)(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?")
_UNIT_SECONDS = (DAY_SECONDS, 3_600, 60, 1)
_CALENDAR = re.compile(r"P(?=\d)(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?")
_CALENDAR_DAYS = (365, 365 / 12, 7, 1)
"""Days in what the form of ISO 8601 counts: years, months, weeks, days."""


def days_of(text: str) -> float | None:
    """Return the days in a duration; None for what is none, such as `Never`."""
    units = _in_units(text)
    calendar = _CALENDAR.fullmatch(text)
    return _sum(calendar, _CALENDAR_DAYS) if calendar else units


def days_of_go(text: str) -> float | None:
    """Return the days in a duration as Go writes it, which has no word for a day."""
    return None if "d" in text else _in_units(text)


def days(view: View, path: str, default: str = "") -> float:
    """Return the duration at a path in days, 0 where none stands there; raises WrongShape where it is none."""
    text = view.text(path, default)
    found = days_of(text) if text else 0
    if found is None:
        raise WrongShape(f"{view.path}.{path}" if view.path else path, "a duration such as 7776000s or P12M", text)
    return found


def _in_units(text: str) -> float | None:
    found = _UNITS.fullmatch(text)
    return _sum(found, _UNIT_SECONDS) / DAY_SECONDS if found else None


def _sum(found: re.Match[str], lengths: tuple[float, ...]) -> float:
    return sum(float(count or 0) * length for count, length in zip(found.groups(), lengths, strict=True))
