"""What verdicts say of a framework's requirements."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from policies.control import Control
from policies.frameworks import Framework
from policies.frameworks.framework import Requirement
from policies.report.figures import BothFigures, Share, Tally, worst
from policies.report.model import FrameworkEntry, Kind, RequirementEntry, VerdictEntry
from policies.verdicts import Status

EVALUATED = (Status.PASS, Status.FAIL)
NO_CONTROL = "No check gives evidence for it yet"
NO_RESOURCE = "Nothing of the kind that its checks look at is there"
NOT_MEANT = "No evidence: its checks apply to none of the resources that they looked at"

Verdicts = Mapping[str, Sequence[VerdictEntry]]
"""By control."""


def framework_entry(framework: Framework, controls: Iterable[Control], verdicts: Verdicts) -> FrameworkEntry:
    """Return all requirements of the framework, and its figures."""
    mapped = _map_controls(framework, controls)
    requirements = tuple(
        _assess_requirement(id_, one, mapped.get(id_, []), verdicts) for id_, one in framework.requirements.items()
    )
    ids = sorted({id_ for ids in mapped.values() for id_ in ids})
    own = [verdict for id_ in ids for verdict in verdicts.get(id_, ())]
    kinds: dict[Kind, int] = {"automated": 0, "organisational": 0, "not assessed": 0}
    for requirement in requirements:
        kinds[requirement.kind] += 1
    return FrameworkEntry(
        id=framework.id,
        name=framework.name,
        edition=framework.edition,
        unit=framework.unit,
        kinds=kinds,
        figures=figures(own, *_coverage(requirements, verdicts)),
        tally=Tally.of(verdict.status for verdict in own),
        requirements=requirements,
    )


def figures(
    verdicts: Sequence[VerdictEntry], coverage: Share | None = None, without_exemptions: Share | None = None
) -> BothFigures:
    """Return the figures with exempt verdicts left out, and with them taken for what was found."""
    counted, found = Tally.of(verdict.status for verdict in verdicts), Tally.of(verdict.found for verdict in verdicts)
    return BothFigures(with_exemptions=counted.figures(coverage), without_exemptions=found.figures(without_exemptions))


def overall_figures(verdicts: Sequence[VerdictEntry], frameworks: Sequence[FrameworkEntry]) -> BothFigures:
    """Return the figures of a whole report; requirements with evidence only where it has one framework."""
    if len(frameworks) != 1:
        return figures(verdicts)
    own = frameworks[0].figures
    return figures(verdicts, own.with_exemptions.coverage, own.without_exemptions.coverage)


def _coverage(requirements: Sequence[RequirementEntry], verdicts: Verdicts) -> tuple[Share, Share]:
    """Return the share of requirements with evidence, exempt verdicts left out, and taken for what was found."""

    def covered(field: str) -> Share:
        part = sum(
            any(
                getattr(verdict, field) in EVALUATED
                for id_ in requirement.controls
                for verdict in verdicts.get(id_, ())
            )
            for requirement in requirements
        )
        return Share.of(part, len(requirements))

    return covered("status"), covered("found")


def _map_controls(framework: Framework, controls: Iterable[Control]) -> dict[str, list[str]]:
    """Return the controls that give evidence for each requirement."""
    found: dict[str, list[str]] = defaultdict(list)
    for control in controls:
        requirements = (framework.requirement_of(id_) for id_ in control.maps.get(framework.id, ()))
        for id_ in dict.fromkeys(requirement for requirement in requirements if requirement):
            found[id_].append(control.id)
    return found


def _assess_requirement(
    id_: str, requirement: Requirement, controls: list[str], verdicts: Verdicts
) -> RequirementEntry:
    own = [verdict for control in controls for verdict in verdicts.get(control, ())]
    decided = requirement.status
    status = decided or _assess(verdict.status for verdict in own)
    reason = requirement.reason
    if not decided and status is Status.NOT_ASSESSED:
        reason = (NOT_MEANT if own else NO_RESOURCE) if controls else NO_CONTROL
    return RequirementEntry(
        id=id_,
        title=requirement.title,
        kind=_classify(requirement),
        status=status,
        without_exemptions=decided or _assess(verdict.found for verdict in own),
        reason=reason,
        controls=tuple(controls),
        tally=Tally.of(verdict.status for verdict in own),
    )


def _assess(statuses: Iterable[Status]) -> Status:
    """Return the verdict of a requirement: checks that apply to no resource show nothing of whether it applies."""
    status = worst(statuses)
    return Status.NOT_ASSESSED if status is Status.NOT_APPLICABLE else status


def _classify(requirement: Requirement) -> Kind:
    if requirement.organisational:
        return "organisational"
    return "automated" if requirement.automated else "not assessed"
