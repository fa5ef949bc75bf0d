"""Habits: how accounts of a ledger behave, in numbers that tell of no single account.

They are what histories of decoys are drawn from. What ships was measured on a simulated ledger. From a real one
`app.camouflage.measuring` takes them, so that its decoys have its own amounts and rhythms.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from app.camouflage.errors import CamouflageError

ACTS = ("grant", "topup", "spend", "reserve", "transfer")
"""What somebody does with an account, all else follows from it. A top-up is a grant for the sake of what comes next."""
ENDINGS = ("capture", "part", "release", "expire", "open")
"""What becomes of a reservation: used whole, used in part and the rest given back, given back, run out, still open."""

Share = Annotated[float, Field(ge=0, le=1)]
Quantiles = Annotated[list[float], Field(min_length=2)]
"""Values at evenly spaced shares of the cases, the least first and the largest last."""


class WrongHabits(CamouflageError):
    """A file of habits is none; says where."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Act(_Part):
    """How one kind of act is done."""

    share: Share
    """Of the accounts, those in which it is done at all."""
    per_day: Quantiles
    """How often, while the account is in use."""
    gaps: Quantiles
    """Time to the next one, divided by its mean in the account."""
    usual: Quantiles
    """The median of an account's amounts."""
    spread: Quantiles
    """An amount, divided by the median of its account."""
    common: dict[int, Share] = Field(default_factory=dict)
    """Share of the amounts that are just this."""
    steps: dict[int, Share] = Field(default_factory=dict)
    """Share of the other amounts that are multiples of this number, and not of a larger one here."""
    hours: Annotated[list[Annotated[float, Field(ge=0)]], Field(min_length=24, max_length=24)]
    """How often it is done in which hour of the day, in UTC."""
    reasons: Share = 0
    """Share that has a reason."""


class Manner(_Part):
    """Accounts that behave alike."""

    weight: Annotated[float, Field(gt=0)]
    age_days: Quantiles
    """Since the first act."""
    silent: Quantiles
    """Share of the age that has passed since the last act."""
    acts: dict[str, Act]
    expiring: Share = 0
    """Share of grants that expire."""
    grant_days: Quantiles = [90, 90]
    """After how many days they do."""
    endings: dict[str, Share]
    held_seconds: Quantiles
    """From a reservation to its end."""
    reservation_days: Quantiles = [7, 7]
    """After how many days a reservation would expire."""
    expiring_reservations: Share = 0
    moments: Quantiles = [1, 60]
    """Seconds from a top-up to what it is for."""
    closed: Share = 0
    """Share of accounts that are closed."""

    @model_validator(mode="after")
    def _complete(self) -> Manner:
        for name, given, wanted in (("acts", self.acts, ACTS), ("endings", self.endings, ENDINGS)):
            if missing := set(wanted) - set(given):
                raise ValueError(f"{name} lacks {', '.join(sorted(missing))}")
        return self


class Habits(_Part):
    """How the accounts of a ledger behave."""

    manners: Annotated[list[Manner], Field(min_length=1)]


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
