"""Behaviour models: how the accounts of a ledger behave, as distributions that reveal no single account.

Histories of decoys are drawn from a model. The default one was measured on a simulated ledger;
`app.camouflage.measuring` measures that of a real ledger, so that its decoys have the same amounts and rhythms.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError, model_validator

from app.camouflage.errors import WrongBehaviourModel

ACTIONS = ("grant", "topup", "spend", "reserve", "transfer")
"""What callers do with an account; all else follows from it. A top-up is a grant that pays for the next action."""
ENDINGS = ("capture", "part", "release", "expire", "open")
"""How a reservation ends: used whole, used in part with the rest released, released, expired, or still open."""

Share = Annotated[float, Field(ge=0, le=1)]
Quantiles = Annotated[list[float], Field(min_length=2)]
"""Values at evenly spaced shares of the cases, in rising order."""


def _renamed(old: str, new: str) -> AliasChoices:
    """Accept a field's old name too, in files that users measured before it was renamed."""
    return AliasChoices(new, old)


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Action(_Part):
    """How one kind of action is done."""

    share: Share
    """Share of the accounts that do it at all."""
    per_day: Quantiles
    """Times a day, while the account is in use."""
    gaps: Quantiles
    """Time to the next one, divided by the account's mean gap."""
    usual: Quantiles
    """Median amount of an account."""
    spread: Quantiles
    """An amount, divided by its account's median."""
    common: dict[int, Share] = Field(default_factory=dict)
    """Share of the amounts that equal this number."""
    steps: dict[int, Share] = Field(default_factory=dict)
    """Share of the other amounts that are multiples of this number, and of no larger one listed here."""
    hours: Annotated[list[Annotated[float, Field(ge=0)]], Field(min_length=24, max_length=24)]
    """Weight of each hour of the day, in UTC."""
    reasons: Share = 0
    """Share that carries a reason."""


class Segment(_Part):
    """Accounts that behave alike."""

    weight: Annotated[float, Field(gt=0)]
    age_days: Quantiles
    """Days since the first action."""
    silent: Quantiles
    """Share of the age that has passed since the last action."""
    actions: dict[str, Action] = Field(validation_alias=_renamed("acts", "actions"))
    expiring: Share = 0
    """Share of grants that expire."""
    grant_days: Quantiles = [90, 90]
    """Days until they do."""
    endings: dict[str, Share]
    held_seconds: Quantiles
    """Seconds from a reservation to its end."""
    reservation_days: Quantiles = [7, 7]
    """Days until a reservation expires."""
    expiring_reservations: Share = 0
    moments: Quantiles = [1, 60]
    """Seconds from a top-up to the action that it pays for."""
    closed: Share = 0
    """Share of accounts that are closed."""

    @model_validator(mode="after")
    def _check_complete(self) -> Segment:
        for name, given, wanted in (("actions", self.actions, ACTIONS), ("endings", self.endings, ENDINGS)):
            if missing := set(wanted) - set(given):
                raise ValueError(f"{name} lacks {', '.join(sorted(missing))}")
        return self


class BehaviourModel(_Part):
    """How the accounts of a ledger behave."""

    segments: Annotated[list[Segment], Field(min_length=1, validation_alias=_renamed("manners", "segments"))]


@cache
def default_model() -> BehaviourModel:
    """Return the model that ships, for ledgers that were not measured."""
    text = files("app.camouflage").joinpath("data", "behaviour.json").read_bytes()
    return BehaviourModel.model_validate_json(text)


def read_model(path: Path) -> BehaviourModel:
    """Read a model from a file; raises WrongBehaviourModel."""
    try:
        return BehaviourModel.model_validate_json(path.read_bytes())
    except OSError as error:
        raise WrongBehaviourModel(f"{path} cannot be read: {error.strerror}") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the document"
        raise WrongBehaviourModel(f"{path}: {where}: {first['msg']}") from None
