"""Bars of verdicts, as numbers for inline SVG."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from policies.report.model import FrameworkEntry, Report
from policies.verdicts import Severity, Status

WIDTH = 600.0
STATUSES = tuple(Status)


@dataclass(frozen=True)
class Segment:
    """A stretch of a bar."""

    status: Status
    count: int
    x: float
    width: float


@dataclass(frozen=True)
class Bar:
    """A bar over the whole width: shares are to be compared, totals are written beside it."""

    label: str
    total: int
    segments: tuple[Segment, ...]

    @property
    def spoken(self) -> str:
        """Return the bar in words."""
        parts = ", ".join(f"{segment.count} {segment.status.value}" for segment in self.segments)
        return f"{self.label}: {parts or 'no data'}"


@dataclass(frozen=True)
class Chart:
    """Bars under a title."""

    title: str
    bars: tuple[Bar, ...]

    @property
    def statuses(self) -> tuple[Status, ...]:
        """Return the texts of the legend."""
        there = {segment.status for bar in self.bars for segment in bar.segments}
        return tuple(status for status in STATUSES if status in there)


def charts(report: Report) -> tuple[Chart, ...]:
    """Requirements by framework; verdicts by severity and by cloud."""
    severities = {control.id: control.severity for control in report.controls}
    by_severity = {
        severity.value: [verdict.status for verdict in report.verdicts if severities[verdict.control] is severity]
        for severity in reversed(Severity)
    }
    by_cloud: dict[str, list[Status]] = {}
    for verdict in report.verdicts:
        by_cloud.setdefault(verdict.cloud, []).append(verdict.status)
    return (
        _chart(
            "Requirements by framework", {framework.name: _requirements(framework) for framework in report.frameworks}
        ),
        _chart("Verdicts by severity", by_severity),
        _chart("Verdicts by cloud", dict(sorted(by_cloud.items()))),
    )


def _requirements(framework: FrameworkEntry) -> list[Status]:
    return [requirement.status for requirement in framework.requirements]


def _chart(title: str, groups: Mapping[str, Sequence[Status]]) -> Chart:
    return Chart(title, tuple(_bar(label, statuses) for label, statuses in groups.items()))


def _bar(label: str, statuses: Sequence[Status]) -> Bar:
    return Bar(label, len(statuses), tuple(_segments(statuses)))


def _segments(statuses: Sequence[Status]) -> Iterable[Segment]:
    x = 0.0
    for status in STATUSES:
        count = statuses.count(status)
        if count:
            width = WIDTH * count / len(statuses)
            yield Segment(status, count, round(x, 2), round(width, 2))
            x += width
