"""From what was open and what is seen now to events."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from policies.report.model import Report
from policies.watch.cause import Cause, Origin
from policies.watch.finding import Finding, Kind, list_findings
from policies.watch.records import Event, Opened, Resolved, StillOpen

GONE = "resource gone"
UNCHECKED = "not checked any more"
WORKS = "works again"


@dataclass(frozen=True)
class Observation:
    """What one look at a stack gave."""

    report: Report | None = None
    """None where the state could not be judged: then what was open stays open, for nobody has seen it gone."""
    blind: tuple[Finding, ...] = ()
    """The stages that failed."""


def compare(
    open_: Mapping[str, Finding], observation: Observation, by: Cause, at: datetime.datetime
) -> tuple[Event, ...]:
    """Return the events that lead from the findings that were open to those that are; in the order of their keys."""
    return tuple(_events(open_, observation, by, at))


def _events(
    open_: Mapping[str, Finding], observation: Observation, by: Cause, at: datetime.datetime
) -> Iterator[Event]:
    report = observation.report
    seen = {finding.key: finding for finding in (*(list_findings(report) if report else ()), *observation.blind)}
    for key in sorted(open_.keys() | seen.keys()):
        before, now = open_.get(key), seen.get(key)
        if now and before is None:
            yield Opened(at=at, by=_by(now, by), finding=now)
        elif now and now != before:
            yield StillOpen(at=at, by=_by(now, by), finding=now)
        elif before and now is None and (report or before.kind is Kind.BLIND):
            yield Resolved(at=at, by=_by(before, by), now=_instead(before, report), finding=before)


def _by(finding: Finding, by: Cause) -> Cause:
    return Cause(origin=Origin.WATCH) if finding.kind is Kind.BLIND else by


def _instead(finding: Finding, report: Report | None) -> str:
    """Say what stands in the place of a resolved finding."""
    if finding.kind is Kind.BLIND or report is None:
        return WORKS
    verdict = next((verdict for verdict in report.verdicts if verdict.fingerprint == finding.fingerprint), None)
    if verdict is None:
        return UNCHECKED if any(resource.urn == finding.urn for resource in report.resources) else GONE
    exemption = verdict.exemption
    if exemption:
        return f"{verdict.status.value} until {exemption.expires} by {exemption.owner} ({exemption.ticket})"
    return verdict.status.value
