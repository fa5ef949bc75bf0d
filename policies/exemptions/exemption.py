"""Exemptions: one, and all that are known, the wrong ones too."""

from __future__ import annotations

import datetime
import re
from collections.abc import Container
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, StringConstraints

Said: TypeAlias = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Origin: TypeAlias = Literal["file", "code", "baseline"]
_UNLIKE = ("urn:pulumi:abcdef::ghi::jklmno:p/q:R::stuvwx", "urn:pulumi:012345::678::901234:5/6:7::890123")
"""Two URNs that have nothing in common: a glob that means both means everything."""


def _narrow(glob: str) -> str:
    if all(fnmatchcase(urn, glob) for urn in _UNLIKE):
        raise ValueError("must say more than `*`: name a stack, a type or a resource")
    return glob


def _written_as_day(value: Any) -> Any:
    """Numbers would be taken for seconds since 1970, in which nobody thinks of an exemption's end."""
    if isinstance(value, datetime.date) or (isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value)):
        return value
    raise ValueError("must be a day such as 2027-03-31")


Day: TypeAlias = Annotated[datetime.date, BeforeValidator(_written_as_day)]


class Exemption(BaseModel):
    """As written, by whom, and until when."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    check: Said
    """The control's id, such as NET-003."""
    urn: Annotated[Said, AfterValidator(_narrow)]
    """The resources, as a glob over their URNs: `*::aws:rds/instance:Instance::reports-*`."""
    owner: Said
    """Who answers for it."""
    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=10)]
    """Why the risk is taken, in a sentence."""
    ticket: Said
    """Where that was decided."""
    expires: Day
    """The last day on which it holds."""
    origin: Origin = "file"

    def is_active(self, today: datetime.date) -> bool:
        """Tell whether it still holds; the same answer for enforcement and for reports."""
        return today <= self.expires

    def covers(self, check: str, urn: str) -> bool:
        """Tell whether it is meant for this check on this resource."""
        return check == self.check and fnmatchcase(urn, self.urn)

    @property
    def summary(self) -> str:
        """In one line: until when, by whom, why."""
        return f"until {self.expires} by {self.owner} ({self.ticket}): {self.reason}"


def literal(urn: str) -> str:
    """Return the URN as a glob that means nothing else."""
    return re.sub(r"([*?\[])", r"[\1]", urn)


@dataclass(frozen=True)
class Problem:
    """An exemption that exempts nothing, and why."""

    where: str
    """File and entry, or the URN of the resource that carries it."""
    message: str


@dataclass(frozen=True)
class Exemptions:
    """What was read; entries may be out of date, problems could not be read at all."""

    entries: tuple[Exemption, ...] = ()
    problems: tuple[Problem, ...] = ()

    def join(self, *others: Exemptions) -> Exemptions:
        """These and others; what stands first is found first."""
        others = tuple(other for other in others if other.entries or other.problems)
        if not others:
            return self
        everything = (self, *others)
        return Exemptions(
            tuple(entry for exemptions in everything for entry in exemptions.entries),
            tuple(problem for exemptions in everything for problem in exemptions.problems),
        )

    def covering(self, check: str, urn: str, today: datetime.date) -> Exemption | None:
        """Return the exemption in force for a check on a resource."""
        return next((entry for entry in self.entries if entry.covers(check, urn) and entry.is_active(today)), None)

    def all_problems(self, known_checks: Container[str], today: datetime.date) -> tuple[Problem, ...]:
        """List what could not be read, what has expired, and what names an unknown check."""
        expired = (
            Problem(f"{entry.check} on {entry.urn}", f"expired on {entry.expires}; owner {entry.owner}, {entry.ticket}")
            for entry in self.entries
            if not entry.is_active(today)
        )
        strangers = (
            Problem(f"{entry.check} on {entry.urn}", f"{entry.check} is no known check")
            for entry in self.entries
            if entry.check not in known_checks
        )
        return (*self.problems, *expired, *strangers)
