"""The metrics of a watch."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from policies.exemptions import Exemption
from policies.report import Report
from policies.report.figures import BothFigures
from policies.report.model import ExemptionEntry
from policies.verdicts import Severity
from policies.watch import Finding, Kind

LOOPBACK = "127.0.0.1"
PREFIX = "fortress_compliance_"


class PortTaken(Exception):
    """Nothing can listen on the address and port for metrics."""


@dataclass
class Watching:
    """The state after the last pass. The watch replaces whole values; a scrape reads them."""

    stack: str
    findings: tuple[Finding, ...] = ()
    report: Report | None = None
    """The last report that succeeded."""
    exemptions: tuple[Exemption, ...] = ()
    today: datetime.date = datetime.date.min
    last_pass: datetime.datetime | None = None
    seconds: float = 0.0
    passes: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    """Passes that failed, by stage."""
    alerts: int = 0
    alerts_failed: int = 0


class WatchCollector(Collector):
    """A Prometheus collector over one watch."""

    def __init__(self, watching: Watching) -> None:
        self._watching = watching

    def collect(self) -> Iterator[Metric]:
        """Yield all families; those of findings and figures only after a first report."""
        watching = self._watching
        yield from _make_pass_metrics(watching)
        if watching.report:
            yield _make_control_metric(watching.report, watching.findings)
            yield _make_framework_metric(watching.report, watching.findings)
            yield from _make_figure_metrics(watching.report)
            yield _make_exemption_metric(watching.report, watching.exemptions, watching.today)


def serve(watching: Watching, port: int, address: str = LOOPBACK) -> int:
    """Answer scrapes from a thread of its own; the port, also where 0 left it to the system. Raises PortTaken."""
    registry = CollectorRegistry()
    registry.register(WatchCollector(watching))
    try:
        server, _ = start_http_server(port, addr=address, registry=registry)
    except OSError as error:
        raise PortTaken(f"metrics cannot be served on {address}:{port}: {error.strerror}") from None
    return int(server.server_port)


def _make_pass_metrics(watching: Watching) -> Iterator[Metric]:
    blind = sum(finding.kind is Kind.BLIND for finding in watching.findings)
    yield _make_gauge(
        "blind", "Stages of the watch that fail: refresh, state. Figures are of the last pass that saw.", blind
    )
    yield _make_gauge("pass_seconds", "How long the last pass took.", watching.seconds)
    if watching.last_pass:
        yield _make_gauge(
            "last_pass_timestamp_seconds", "When the last pass without a failure ended.", watching.last_pass.timestamp()
        )
    yield CounterMetricFamily(f"{PREFIX}passes", "Passes over the stack.", watching.passes)
    failed = CounterMetricFamily(f"{PREFIX}passes_failed", "Passes in which a stage failed.", labels=["stage"])
    for stage, count in sorted(watching.failed.items()):
        failed.add_metric([stage], count)
    yield failed
    yield CounterMetricFamily(f"{PREFIX}alerts", "Alerts that the webhook took.", watching.alerts)
    yield CounterMetricFamily(f"{PREFIX}alerts_failed", "Alerts that the webhook did not take.", watching.alerts_failed)


def _make_control_metric(report: Report, findings: Iterable[Finding]) -> Metric:
    """Count open findings by control; controls without findings count 0, so that no alert rule lacks data."""
    counts = Counter((finding.control, finding.kind) for finding in findings)
    family = GaugeMetricFamily(
        f"{PREFIX}open_findings", "Findings that are open.", labels=["control", "severity", "kind"]
    )
    for control in report.controls:
        for kind in (Kind.VIOLATION, Kind.NOT_DETERMINABLE):
            family.add_metric([control.id, control.severity.value, kind.value], counts[control.id, kind])
    return family


def _make_framework_metric(report: Report, findings: Iterable[Finding]) -> Metric:
    counts = Counter(
        (framework, finding.severity) for finding in findings for framework, ids in finding.requirements.items() if ids
    )
    family = GaugeMetricFamily(
        f"{PREFIX}open_findings_by_framework",
        "Findings that are open, in each framework that their control is mapped to: they cannot be added up.",
        labels=["framework", "severity"],
    )
    for framework in report.frameworks:
        for severity in Severity:
            family.add_metric([framework.id, severity.value], counts[framework.id, severity])
    return family


def _make_figure_metrics(report: Report) -> Iterator[Metric]:
    """Yield the figures as part and whole; a whole of 0 means no data, and the ratio is NaN."""
    labels = ["framework", "figure", "exemptions"]
    part = GaugeMetricFamily(f"{PREFIX}figure_part", "Of the three figures: how many of the whole.", labels=labels)
    whole = GaugeMetricFamily(f"{PREFIX}figure_whole", "Of the three figures: the whole; 0 is no data.", labels=labels)
    for id_, both in [("all", report.figures), *((framework.id, framework.figures) for framework in report.frameworks)]:
        for figure, exemptions, share_part, share_whole in _list_shares(both):
            part.add_metric([id_, figure, exemptions], share_part)
            whole.add_metric([id_, figure, exemptions], share_whole)
    yield part
    yield whole


def _list_shares(both: BothFigures) -> Iterator[tuple[str, str, int, int]]:
    for exemptions, figures in (("left out", both.with_exemptions), ("ignored", both.without_exemptions)):
        for name in ("coverage", "pass_rate", "determinacy"):
            share = getattr(figures, name)
            if share is not None:
                yield name, exemptions, share.part, share.whole


def _make_exemption_metric(report: Report, exemptions: Iterable[Exemption], today: datetime.date) -> Metric:
    """Count the days left of exemptions in files and code; the first to end where labels are equal."""
    in_code = (
        verdict.exemption for verdict in report.verdicts if verdict.exemption and verdict.exemption.origin == "code"
    )
    days: dict[tuple[str, str, str], int] = {}
    both: tuple[Exemption | ExemptionEntry, ...] = (*exemptions, *in_code)
    for exemption in both:
        labels = (exemption.check, exemption.owner, exemption.ticket)
        left = (exemption.expires - today).days
        days[labels] = min(left, days.get(labels, left))
    family = GaugeMetricFamily(
        f"{PREFIX}exemption_days_left",
        "Days on which an exemption still holds after today; negative once it does no more.",
        labels=["control", "owner", "ticket"],
    )
    for labels, left in sorted(days.items()):
        family.add_metric(labels, left)
    return family


def _make_gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"{PREFIX}{name}", text, value)
