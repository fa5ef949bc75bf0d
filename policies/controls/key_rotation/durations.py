"""Durations as the clouds write them: `7776000s`, `P12M`."""

from __future__ import annotations

import re

from policies import View, WrongShape

_SECONDS = re.compile(r"(\d+(?:\.\d+)?)s")
_CALENDAR = re.compile(r"P(?=\d)(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?")
_SECONDS_A_DAY = 86_400
_DAYS = (365, 365 / 12, 7, 1)
"""Days in what the second form counts: years, months, weeks, days."""


def days(view: View, path: str) -> float:
    """The duration at a path in days, 0 where none stands there; raises WrongShape where it is none."""
    text = view.text(path)
    if not text:
        return 0
    if seconds := _SECONDS.fullmatch(text):
        return float(seconds.group(1)) / _SECONDS_A_DAY
    if calendar := _CALENDAR.fullmatch(text):
        return sum(int(count or 0) * length for count, length in zip(calendar.groups(), _DAYS, strict=True))
    raise WrongShape(f"{view.path}.{path}" if view.path else path, "a duration such as 7776000s or P12M", text)
