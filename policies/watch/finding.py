"""A finding: what a report says of one resource that is not as it should be, or that the watch sees nothing."""

from __future__ import annotations

import enum
import hashlib

from policies.configuration import Level
from policies.documents import Part
from policies.report.model import ControlEntry, Report, ResourceEntry, VerdictEntry
from policies.resource import STACK, Cloud
from policies.verdicts import Severity, Status

WATCH = "WATCH"
"""Stands where a control's id stands, in findings on the watch itself."""
BLIND_REMEDY = "Mend what the reason says; the watch tries again at its next pass."


class Kind(enum.Enum):
    """What sort of trouble it is."""

    VIOLATION = "violation"
    NOT_DETERMINABLE = "not determinable"
    """A check could not judge one resource."""
    BLIND = "blind watch"
    """The stack as a whole could not be refreshed, read or judged."""


KINDS = {Status.FAIL: Kind.VIOLATION, Status.NOT_DETERMINABLE: Kind.NOT_DETERMINABLE}


class Finding(Part):
    """With all that somebody needs who is called at night."""

    fingerprint: str
    """Of control and resource, the same as in the SARIF report."""
    kind: Kind
    control: str
    title: str
    check: str
    cloud: Cloud
    urn: str
    resource: str
    """The resource's name in the program."""
    severity: Severity
    level: Level
    requirements: dict[str, tuple[str, ...]]
    """What the control gives evidence for, by framework."""
    reason: str
    remedy: str

    @property
    def key(self) -> str:
        """Return its identity in the log; what cannot be determined is another finding than what fails."""
        return f"{self.kind.value}/{self.fingerprint}"


def list_findings(report: Report) -> tuple[Finding, ...]:
    """List what fails and what cannot be determined; what is exempt is no finding."""
    controls = {control.id: control for control in report.controls}
    resources = {resource.urn: resource for resource in report.resources}
    found = (
        _finding(verdict, controls[verdict.control], resources[verdict.urn]) for verdict in report.of_status(*KINDS)
    )
    return tuple({one.key: one for one in found}.values())


def make_blind_finding(project: str, stack: str, stage: str, reason: str) -> Finding:
    """Return the finding that a stage of a run (refresh, state) failed for the whole stack."""
    urn = f"urn:pulumi:{stack}::{project}::{STACK}::{project}-{stack}"
    return Finding(
        fingerprint=hashlib.sha256("\0".join((WATCH, urn, stage)).encode()).hexdigest()[:32],
        kind=Kind.BLIND,
        control=WATCH,
        title=f"The stack's {stage} could be looked at",
        check=f"{WATCH}/{stage}",
        cloud="any",
        urn=urn,
        resource=f"{project}-{stack}",
        severity=Severity.HIGH,
        level=Level.ADVISORY,
        requirements={},
        reason=reason,
        remedy=BLIND_REMEDY,
    )


def _finding(verdict: VerdictEntry, control: ControlEntry, resource: ResourceEntry) -> Finding:
    return Finding(
        fingerprint=verdict.fingerprint,
        kind=KINDS[verdict.status],
        control=control.id,
        title=control.title,
        check=verdict.check,
        cloud=verdict.cloud,
        urn=verdict.urn,
        resource=resource.name,
        severity=control.severity,
        level=control.level,
        requirements=control.requirements,
        reason=verdict.reason,
        remedy=control.remedy,
    )
