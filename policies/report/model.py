"""The results model: what a report says, in the form in which it is kept.

It is the JSON report too: `version` is that of its schema, and goes up with every change that could break a reader.
"""

from __future__ import annotations

import datetime
from typing import Literal, TypeAlias

from policies.configuration import Level
from policies.documents import Part
from policies.exemptions.exemption import Origin
from policies.gate import describe_violation, render_violation, violating
from policies.report.figures import BothFigures, Tally
from policies.resource import Cloud
from policies.verdicts import Severity, Status

VERSION: Literal["2.0"] = "2.0"
Kind: TypeAlias = Literal["automated", "organisational", "not assessed"]


class Source(Part):
    """What was looked at."""

    kind: Literal["state", "preview"]
    origin: str
    """Where that came from, in words."""
    project: str
    stack: str
    environment: str
    """The environment as people name it, or nothing for a foreign stack."""
    digest: str
    """`sha256:` and the hash of the document's bytes."""
    engine: str
    """The version of the Pulumi engine that wrote the document, or nothing."""
    taken: datetime.datetime | None = None
    """When a state was last written."""
    simulated: bool = False
    """Whether emulators answered for the clouds."""


class Pack(Part):
    """Which checks looked."""

    name: str
    version: str
    controls: int
    checks: int
    """Counted per control and cloud."""


class ResourceEntry(Part):
    """A resource that a check judged."""

    urn: str
    type: str
    name: str
    cloud: Cloud
    file: str = ""
    """Where the program declares it, relative to the project; nothing where that is not known."""
    line: int | None = None


class Unchecked(Part):
    """Resources of a type that no check names; a check of a whole package, such as that of tags, does not count."""

    type: str
    count: int
    reason: str


class ExemptionEntry(Part):
    """An exemption in force."""

    check: str
    urn: str
    owner: str
    reason: str
    ticket: str
    expires: datetime.date
    origin: Origin


class ProblemEntry(Part):
    """An exemption that exempts nothing."""

    where: str
    message: str


class VerdictEntry(Part):
    """What one check says of one resource."""

    fingerprint: str
    """The same in every report on the same control and resource."""
    control: str
    check: str
    cloud: Cloud
    urn: str
    status: Status
    """What counts."""
    found: Status
    """What it is without exemptions."""
    reason: str
    """What was found, in a few words; nothing where it is as it should be."""
    exemption: ExemptionEntry | None = None
    fixable: bool = False
    """Whether it fails and a fix that replaces nothing was tried, after which the same check passes."""


class CheckEntry(Part):
    """A control in one cloud."""

    id: str
    cloud: Cloud
    reads: dict[str, tuple[str, ...]]
    """The property paths that are looked at, by resource type."""
    status: Status
    tally: Tally


class ControlEntry(Part):
    """A control, over all clouds."""

    id: str
    title: str
    theme: str
    severity: Severity
    level: Level
    remedy: str
    link: str
    requirements: dict[str, tuple[str, ...]]
    """What it gives evidence for, by framework."""
    checks: tuple[CheckEntry, ...]
    status: Status
    tally: Tally


class RequirementEntry(Part):
    """A requirement of a framework."""

    id: str
    title: str
    kind: Kind
    status: Status
    without_exemptions: Status
    reason: str
    """Why no check decides, or nothing."""
    controls: tuple[str, ...]
    tally: Tally


class FrameworkEntry(Part):
    """A framework, all its requirements."""

    id: str
    name: str
    edition: str
    unit: str
    kinds: dict[Kind, int]
    """How many requirements are of each kind."""
    figures: BothFigures
    tally: Tally
    requirements: tuple[RequirementEntry, ...]


class Report(Part):
    """The whole."""

    version: Literal["2.0"] = VERSION
    generated: datetime.datetime
    source: Source
    pack: Pack
    strict: bool
    """Whether what cannot be determined counts as a violation."""
    options: dict[str, dict[str, object]]
    """Options of controls that differ from their defaults."""
    figures: BothFigures
    tally: Tally
    resources_seen: int
    frameworks: tuple[FrameworkEntry, ...]
    controls: tuple[ControlEntry, ...]
    resources: tuple[ResourceEntry, ...]
    unchecked: tuple[Unchecked, ...]
    verdicts: tuple[VerdictEntry, ...]
    exemptions_unused: tuple[ExemptionEntry, ...]
    exemption_problems: tuple[ProblemEntry, ...]

    def of_status(self, *statuses: Status) -> tuple[VerdictEntry, ...]:
        """Return the verdicts of these statuses."""
        return tuple(verdict for verdict in self.verdicts if verdict.status in statuses)

    @property
    def violations(self) -> tuple[VerdictEntry, ...]:
        """Return what fails; under `strict` also what cannot be determined."""
        return self.of_status(*violating(strict=self.strict))

    @property
    def blocking(self) -> tuple[VerdictEntry, ...]:
        """Return the violations that would stop an update."""
        levels = {control.id: control.level for control in self.controls}
        return tuple(verdict for verdict in self.violations if levels[verdict.control].blocks)

    @property
    def blocking_lines(self) -> tuple[str, ...]:
        """Return the violations that would stop an update, a line each, in the words of the engine's pack."""
        controls = {control.id: control for control in self.controls}
        return tuple(_line(controls[verdict.control], verdict) for verdict in self.blocking)


def _line(control: ControlEntry, verdict: VerdictEntry) -> str:
    described = describe_violation(control.title, verdict.status, verdict.reason, control.remedy, control.requirements)
    return render_violation(control.id, verdict.urn, described)


def new_violations(report: Report, base: Report) -> tuple[VerdictEntry, ...]:
    """Return the violations of the report whose control and resource were no violation before."""
    known = {(verdict.control, verdict.urn) for verdict in base.violations}
    return tuple(verdict for verdict in report.violations if (verdict.control, verdict.urn) not in known)
