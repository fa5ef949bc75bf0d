"""All exemptions that are known, the wrong ones too."""

from __future__ import annotations

import datetime
from collections.abc import Container
from dataclasses import dataclass

from policies.exemptions.exemption import Exemption


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

    def joined(self, *others: Exemptions) -> Exemptions:
        """These and others; what stands first is found first."""
        others = tuple(other for other in others if other.entries or other.problems)
        if not others:
            return self
        everything = (self, *others)
        return Exemptions(
            tuple(entry for one in everything for entry in one.entries),
            tuple(problem for one in everything for problem in one.problems),
        )

    def covering(self, check: str, urn: str, today: datetime.date) -> Exemption | None:
        """The exemption in force for a check on a resource."""
        return next((one for one in self.entries if one.covers(check, urn) and one.is_active(today)), None)

    def all_problems(self, known_checks: Container[str], today: datetime.date) -> tuple[Problem, ...]:
        """What could not be read, what has expired, and what names a check that is not known."""
        expired = (
            Problem(f"{one.check} on {one.urn}", f"expired on {one.expires}; owner {one.owner}, {one.ticket}")
            for one in self.entries
            if not one.is_active(today)
        )
        strangers = (
            Problem(f"{one.check} on {one.urn}", f"{one.check} is no known check")
            for one in self.entries
            if one.check not in known_checks
        )
        return (*self.problems, *expired, *strangers)
