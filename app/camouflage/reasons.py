"""The reasons of decoy events: texts with placeholders."""

from __future__ import annotations

import calendar
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np

from app.camouflage.errors import WrongReasons
from app.credits import LONGEST_REASON

ACTIONS = ("grant", "spend", "reserve", "transfer")
MONTHS = tuple(calendar.month_name)[1:]
SEASONS = ("spring", "summer", "autumn", "winter")
NUMBERS = (10_000, 999_999)


class Reasons:
    """Texts by action."""

    def __init__(self, texts: Mapping[str, Sequence[str]]) -> None:
        self._texts = texts

    def draw(self, rng: np.random.Generator, action: str) -> str:
        """Draw a text for an action and fill it in."""
        texts = self._texts["grant" if action == "topup" else action]
        return texts[int(rng.integers(len(texts)))].format(
            number=int(rng.integers(*NUMBERS)),
            month=MONTHS[int(rng.integers(12))],
            season=SEASONS[int(rng.integers(4))],
        )

    @classmethod
    def parse(cls, text: str, source: str) -> Reasons:
        """Parse lines of an action, a tab and a text with {number}, {month} and {season}; raises WrongReasons."""
        texts: dict[str, list[str]] = {action: [] for action in ACTIONS}
        for number, line in enumerate(text.splitlines(), 1):
            action, tab, reason = line.partition("\t")
            if not tab or action not in texts:
                raise WrongReasons(f"{source}, line {number}: a line is one of {', '.join(ACTIONS)}, a tab and a text")
            try:
                longest = reason.format(number=NUMBERS[1], month=max(MONTHS, key=len), season=SEASONS[0])
            except (LookupError, ValueError):
                raise WrongReasons(
                    f"{source}, line {number}: only {{number}}, {{month}}, {{season}} are filled in"
                ) from None
            if not 1 <= len(longest) <= LONGEST_REASON:
                raise WrongReasons(f"{source}, line {number}: a reason has 1 to {LONGEST_REASON} characters")
            texts[action].append(reason)
        if empty := [action for action, known in texts.items() if not known]:
            raise WrongReasons(f"{source}: there is no text for {', '.join(empty)}")
        return cls(texts)


@cache
def default_reasons() -> Reasons:
    """Return the reasons that ship."""
    return Reasons.parse(files("app.camouflage").joinpath("data", "reasons.tsv").read_text(), "reasons.tsv")


def read_reasons(path: Path) -> Reasons:
    """Read reasons from a file; raises WrongReasons."""
    try:
        return Reasons.parse(path.read_text(), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise WrongReasons(f"{path} cannot be read: {error}") from None
