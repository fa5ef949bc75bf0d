"""Verdicts on one resource under one check, and how bad a violation is."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Severity(enum.Enum):
    """The four levels that Pulumi knows too."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


LOW, MEDIUM, HIGH, CRITICAL = Severity


class Status(enum.Enum):
    """The seven verdicts; only PASS and FAIL count as evaluated."""

    PASS = "pass"  # noqa: S105 - a verdict
    FAIL = "fail"
    EXEMPT = "exempt"
    """It would fail or cannot be determined, and an exemption in force covers it."""
    NOT_DETERMINABLE = "not determinable"
    """A value is unknown, hidden, or of a shape that nothing can be read from."""
    NOT_APPLICABLE = "not applicable"
    """The check does not mean this resource, such as a replica that inherits the setting."""
    NOT_ASSESSED = "not assessed"
    """Nothing looked: no resource of the kind is in sight, or no check exists."""
    ORGANISATIONAL = "organisational"
    """People and procedures fulfil the requirement; resources cannot show it."""


@dataclass(frozen=True)
class Verdict:
    """A status and, where that does not speak for itself, why: what was found, in a few words."""

    status: Status
    reason: str = ""


PASS = Verdict(Status.PASS)
FAIL = Verdict(Status.FAIL)
NOT_APPLICABLE = Verdict(Status.NOT_APPLICABLE)
NOT_ASSESSED = Verdict(Status.NOT_ASSESSED)


def passes_if(condition: bool, otherwise: str = "") -> Verdict:
    """Return PASS where the condition holds, else FAIL; `otherwise` says what was found instead."""
    return PASS if condition else fails(otherwise)


def fails(reason: str) -> Verdict:
    """Return FAIL, and what was found."""
    return Verdict(Status.FAIL, reason)


def not_applicable(reason: str) -> Verdict:
    """Return NOT_APPLICABLE, and why."""
    return Verdict(Status.NOT_APPLICABLE, reason)


def not_determinable(reason: str) -> Verdict:
    """Return NOT_DETERMINABLE, and why; unknown values need no call, the view of the resource signals them."""
    return Verdict(Status.NOT_DETERMINABLE, reason)
