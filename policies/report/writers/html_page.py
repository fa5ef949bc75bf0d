"""One HTML page with everything in it: no script, no network, light and dark, for screen and print."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from policies.report.figures import Share
from policies.report.model import (
    ControlEntry,
    ExemptionEntry,
    Report,
    RequirementEntry,
    ResourceEntry,
    VerdictEntry,
)
from policies.report.writers.charts import WIDTH, charts
from policies.verdicts import Severity, Status

TEMPLATES = Path(__file__).with_name("templates")
WORST_FIRST = (
    Status.FAIL,
    Status.NOT_DETERMINABLE,
    Status.EXEMPT,
    Status.PASS,
    Status.NOT_APPLICABLE,
    Status.NOT_ASSESSED,
    Status.ORGANISATIONAL,
)
WORST_SEVERITY_FIRST = tuple(reversed(Severity))
PRINTED = 10
"""Resources of one violated control that are printed; the page on the screen, and the CSV, have all."""
QUIET = (Status.PASS, Status.NOT_APPLICABLE, Status.NOT_ASSESSED)
"""Verdicts that ask nothing of anybody."""
SOON_DAYS = 90
"""An exemption that ends within that many days is work already."""


@dataclass(frozen=True)
class Task:
    """All that one control says of a kind: one remedy mends it all."""

    control: ControlEntry
    verdicts: tuple[VerdictEntry, ...]

    @property
    def blocks(self) -> bool:
        """Tell whether it stops updates."""
        return self.control.level.blocks

    @property
    def fixable(self) -> int:
        """Return how many the level `remediate` would fix."""
        return sum(verdict.fixable for verdict in self.verdicts)


@dataclass(frozen=True)
class Counted:
    """A figure, both ways, and what it is of."""

    of: str
    counted: Share
    without_exemptions: Share


@dataclass(frozen=True)
class Tile:
    """One of the three figures: one for the whole report, or one for each framework."""

    title: str
    meaning: str
    counts: tuple[Counted, ...]


def write(report: Report) -> str:
    """Write the page."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "slug": slug,
        "day": lambda moment: moment.strftime("%Y-%m-%d %H:%M UTC"),
        "counted": lambda number, noun: f"{number} {noun}" + ("" if number == 1 else "s"),
        "listed": format_option,
    }
    style = (TEMPLATES / "report.css").read_text(encoding="utf-8")
    in_force = [verdict for verdict in report.verdicts if verdict.exemption]
    return environment.get_template("report.html").render(
        report=report,
        style=Markup(style),  # noqa: S704 (our own file, which holds nothing of the report)
        style_hash=b64encode(hashlib.sha256(style.encode()).digest()).decode(),
        charts=charts(report),
        width=WIDTH,
        tiles=tiles(report),
        violated=tasks(report, report.violations),
        undetermined=tasks(report, () if report.strict else report.of_status(Status.NOT_DETERMINABLE)),
        controls={control.id: control for control in report.controls},
        resources={resource.urn: resource for resource in report.resources},
        themes=_group_by_theme(report.controls),
        clouds=_group_by_cloud(report.resources),
        by_control=_group(report.verdicts, "control"),
        by_resource=_group(report.verdicts, "urn"),
        evidence=_map_evidence(report),
        numbers={one.urn: number for number, one in enumerate(report.resources, start=1)},
        in_force=_list_in_force(in_force),
        ending=_list_ending(report, in_force),
        printed=PRINTED,
        quiet=QUIET,
    )


def slug(text: str) -> str:
    """Text as part of an id: each odd character becomes its number, so two texts never become one id."""
    return "".join(
        letter if letter.isascii() and (letter.isalnum() or letter in "-.") else f"_{ord(letter):x}" for letter in text
    )


def format_option(value: object) -> str:
    """Return the value of an option, for people."""
    if isinstance(value, list | tuple):
        return ", ".join(map(format_option, value)) or "none"
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def tasks(report: Report, verdicts: Iterable[VerdictEntry]) -> tuple[Task, ...]:
    """By control: the worst first, then what blocks, then what means most resources."""
    by_control: dict[str, list[VerdictEntry]] = defaultdict(list)
    for verdict in verdicts:
        by_control[verdict.control].append(verdict)
    found = (Task(control, tuple(by_control[control.id])) for control in report.controls if control.id in by_control)
    return tuple(sorted(found, key=_urgency))


def _urgency(task: Task) -> tuple[int, bool, int, str]:
    severity = WORST_SEVERITY_FIRST.index(task.control.severity)
    return severity, not task.blocks, -len(task.verdicts), task.control.id


def tiles(report: Report) -> tuple[Tile, ...]:
    """Return the three figures; requirements with evidence by framework, for they cannot be added up."""
    counted, found = report.figures.with_exemptions, report.figures.without_exemptions
    covered = tuple(
        Counted(
            framework.name, framework.figures.with_exemptions.coverage, framework.figures.without_exemptions.coverage
        )
        for framework in report.frameworks
        if framework.figures.with_exemptions.coverage and framework.figures.without_exemptions.coverage
    )
    return (
        Tile(
            "Requirements with evidence",
            "Requirements of which resources showed anything. Most of a framework is about people, and not seen here.",
            covered,
        ),
        Tile(
            "Verdicts that pass",
            "Of what could be judged. One verdict is one control on one resource.",
            (Counted("", counted.pass_rate, found.pass_rate),),
        ),
        Tile(
            "Determinable",
            "How much of what was looked at could be judged. The rest is open, never a pass.",
            (Counted("", counted.determinacy, found.determinacy),),
        ),
    )


def _map_evidence(report: Report) -> Mapping[str, list[tuple[str, str, RequirementEntry]]]:
    """The requirements (framework's id and name before it) that each control is evidence for."""
    found: dict[str, list[tuple[str, str, RequirementEntry]]] = defaultdict(list)
    for framework in report.frameworks:
        for requirement in framework.requirements:
            for control in requirement.controls:
                found[control].append((framework.id, framework.name, requirement))
    return found


def _list_in_force(exempt: Iterable[VerdictEntry]) -> list[tuple[ExemptionEntry, list[VerdictEntry]]]:
    """List each exemption with all that it covers; those that end first come first."""
    found: dict[tuple[str, str, str, str, str, str], tuple[ExemptionEntry, list[VerdictEntry]]] = {}
    for verdict in exempt:
        if verdict.exemption:
            it = verdict.exemption
            key = (it.expires.isoformat(), it.check, it.owner, it.ticket, it.reason, it.origin)
            found.setdefault(key, (it, []))[1].append(verdict)
    return [found[key] for key in sorted(found)]


def _list_ending(report: Report, in_force: Iterable[VerdictEntry]) -> list[tuple[str, str, int]]:
    """List exemptions that end soon: control, last day, and how many verdicts depend on it."""
    counts: dict[tuple[str, str], int] = defaultdict(int)
    for verdict in in_force:
        if verdict.exemption and (verdict.exemption.expires - report.generated.date()).days <= SOON_DAYS:
            counts[verdict.exemption.expires.isoformat(), verdict.control] += 1
    return [(control, day, count) for (day, control), count in sorted(counts.items())]


def _group_by_theme(controls: Iterable[ControlEntry]) -> dict[str, list[ControlEntry]]:
    found: dict[str, list[ControlEntry]] = defaultdict(list)
    for control in controls:
        found[control.theme].append(control)
    return dict(sorted(found.items()))


def _group_by_cloud(resources: Iterable[ResourceEntry]) -> dict[str, dict[str, list[ResourceEntry]]]:
    """Group resources by cloud and type."""
    found: dict[str, dict[str, list[ResourceEntry]]] = defaultdict(lambda: defaultdict(list))
    for resource in resources:
        found[resource.cloud][resource.type].append(resource)
    return {cloud: dict(sorted(types.items())) for cloud, types in sorted(found.items())}


def _group(verdicts: Iterable[VerdictEntry], field: str) -> Mapping[str, list[VerdictEntry]]:
    """Group verdicts by a field, worst first."""
    found: dict[str, list[VerdictEntry]] = defaultdict(list)
    for verdict in sorted(verdicts, key=lambda one: WORST_FIRST.index(one.status)):
        found[getattr(verdict, field)].append(verdict)
    return dict(found)
