"""Habits: how accounts of a ledger behave, in numbers that tell of no single account.

They are what histories of decoys are drawn from. What ships is a guess; `measured` takes them from a real ledger, so
that its decoys have its own amounts and rhythms.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from app.camouflage.errors import CamouflageError

ACTS = ("grant", "spend", "reserve", "transfer")
"""What somebody does with an account; all else follows from it."""
START = "start"
ENDINGS = ("capture", "part", "release", "expire", "open")
"""What becomes of a reservation: used whole, used in part and the rest given back, given back, run out, still open."""

Share = Annotated[float, Field(ge=0, le=1)]
Quantiles = Annotated[list[float], Field(min_length=2)]
"""Values at evenly spaced shares of the cases, the least first and the largest last."""


class WrongHabits(CamouflageError):
    """A file of habits is none; says where."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Amounts(_Part):
    """Amounts of one act: those of an account lie around one of its own."""

    usual: Quantiles
    """The median of an account."""
    spread: Quantiles
    """An amount, divided by the median of its account."""
    round: dict[int, Share] = Field(default_factory=dict)
    """Share of amounts that can be divided by this number, 10 or 100, and not by the next one."""


class Habits(_Part):
    """How accounts behave."""

    acts: Quantiles
    """How many acts there are in an account."""
    silent_days: Quantiles
    """How long ago the last act was."""
    next: dict[str, dict[str, float]]
    """How often which act follows upon which; upon `start`, first of all."""
    pace: Quantiles
    """Seconds between two acts of an account: the median."""
    gaps: Quantiles
    """Such a time, divided by the median of its account."""
    amounts: dict[str, Amounts]
    expiring: Share
    """Share of grants that expire."""
    grant_days: Quantiles
    """After how many days they do."""
    endings: dict[str, Share]
    held_seconds: Quantiles
    """From a reservation to its end."""
    reservation_days: Quantiles
    """After how many days a reservation would expire."""
    expiring_reservations: Share
    reasons: dict[str, Share]
    """Share of acts that have a reason."""
    closed: Share
    """Share of accounts that are closed."""

    @model_validator(mode="after")
    def _complete(self) -> Habits:
        for name, given, wanted in (
            ("next", self.next, (START, *ACTS)),
            ("amounts", self.amounts, ACTS),
            ("endings", self.endings, ENDINGS),
            ("reasons", self.reasons, ACTS),
        ):
            if missing := set(wanted) - set(given):
                raise ValueError(f"{name} lacks {', '.join(sorted(missing))}")
        return self


@cache
def shipped() -> Habits:
    """What is taken where no ledger was measured."""
    return Habits.model_validate_json(files("app.camouflage").joinpath("data", "habits.json").read_bytes())


def read_habits(path: Path) -> Habits:
    """Habits in a file; raises WrongHabits."""
    try:
        return Habits.model_validate_json(path.read_bytes())
    except OSError as error:
        raise WrongHabits(f"{path} cannot be read: {error.strerror}") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the document"
        raise WrongHabits(f"{path}: {where}: {first['msg']}") from None
