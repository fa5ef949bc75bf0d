"""From results to a report: pure."""

from __future__ import annotations

import datetime
import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import unquote

from policies.configuration import Configuration, Level
from policies.control import Check, Control
from policies.evaluation import Evaluator, Result, Results, evaluate
from policies.exemptions import Exemption, Exemptions
from policies.frameworks import Framework
from policies.registry import COMPONENTS, PACK_VERSION, Registry, reasons_without_check
from policies.remediation import apply_fix
from policies.report.figures import Tally, worst
from policies.report.frameworks import framework_entry, overall_figures
from policies.report.model import (
    CheckEntry,
    ControlEntry,
    ExemptionEntry,
    Pack,
    ProblemEntry,
    Report,
    ResourceEntry,
    Source,
    Unchecked,
    VerdictEntry,
)
from policies.resource import STACK, Resource
from policies.verdicts import Status

PACK = "fortress"
_DECLARED = re.compile(r"project:///(?P<file>[^#]+)#(?P<line>\d+)(,\d+)?")
"""Where a program declares a resource, as a URI; some languages tell the column too."""
_INSTALLED = (".venv", "venv", "node_modules")
_INTERNAL = "Pulumi's own record"
_NO_REASON = "no check names this type"


@dataclass(frozen=True)
class Rules:
    """By what resources are judged."""

    registry: Registry
    frameworks: tuple[Framework, ...]
    configuration: Configuration
    exemptions: Exemptions
    strict: bool = False
    """Whether what cannot be determined counts as a violation."""


def judge(resources: Iterable[Resource], rules: Rules, source: Source, at: datetime.datetime) -> Report:
    """Evaluate the resources as of a moment, and tell all that was found."""
    resources = tuple(resources)
    results = evaluate(
        resources,
        rules.registry,
        today=at.date(),
        options=rules.configuration.options,
        exemptions=rules.exemptions,
    )
    return assemble(resources, results, rules, source, at)


def assemble(
    resources: tuple[Resource, ...], results: Results, rules: Rules, source: Source, at: datetime.datetime
) -> Report:
    """Make the report on results; a disabled control counts as one that looked at nothing."""
    level = rules.configuration.level
    counted = [result for result in results if level(result.control) is not Level.DISABLED]
    evaluator = Evaluator(rules.registry, at.date(), rules.configuration.options)
    verdicts = tuple(
        sorted(
            (_make_verdict(result, evaluator) for result in counted), key=lambda one: (one.control, one.cloud, one.urn)
        )
    )
    by_control = _group_by_control(verdicts)
    frameworks = tuple(
        framework_entry(framework, rules.registry.controls, by_control) for framework in rules.frameworks
    )
    tally = Tally.of(verdict.status for verdict in verdicts)
    return Report(
        generated=at,
        source=source,
        pack=Pack(name=PACK, version=PACK_VERSION, controls=len(rules.registry.controls), checks=len(rules.registry)),
        strict=rules.strict,
        options=_list_options(rules),
        figures=overall_figures(verdicts, frameworks),
        tally=tally,
        resources_seen=len(resources),
        frameworks=frameworks,
        controls=tuple(
            _make_control(control, rules.registry.of(control), level(control), by_control.get(control.id, []))
            for control in rules.registry.controls
        ),
        resources=_list_resources(resources, {verdict.urn for verdict in verdicts}),
        unchecked=_list_unchecked(resources, rules.registry),
        verdicts=verdicts,
        exemptions_unused=tuple(map(exemption_entry, results.unused)),
        exemption_problems=tuple(
            ProblemEntry(where=problem.where, message=problem.message) for problem in results.problems
        ),
    )


def _group_by_control(verdicts: Iterable[VerdictEntry]) -> dict[str, list[VerdictEntry]]:
    found: dict[str, list[VerdictEntry]] = defaultdict(list)
    for verdict in verdicts:
        found[verdict.control].append(verdict)
    return dict(found)


def _make_verdict(result: Result, evaluator: Evaluator) -> VerdictEntry:
    return VerdictEntry(
        fingerprint=_make_fingerprint(result),
        control=result.control.id,
        check=result.check.id,
        cloud=result.check.cloud,
        urn=result.resource.urn,
        status=result.status,
        found=result.found.status,
        reason=result.found.reason,
        exemption=exemption_entry(result.exemption) if result.exemption else None,
        fixable=result.status is Status.FAIL and not apply_fix(result.check, result.resource, evaluator).fault,
    )


def _make_fingerprint(result: Result) -> str:
    """Of control and resource, and of the type as the check names it: two functions may mean one resource."""
    token = result.resource.type
    matched = token if token in result.check.reads else f"{token.partition(':')[0]}:*"
    identity = "\0".join((result.control.id, result.resource.urn, matched))
    return hashlib.sha256(identity.encode()).hexdigest()[:32]


def exemption_entry(exemption: Exemption) -> ExemptionEntry:
    """Return an exemption as reports show it."""
    return ExemptionEntry.model_validate(exemption.model_dump())


def _make_control(
    control: Control, checks: Iterable[Check], level: Level, verdicts: list[VerdictEntry]
) -> ControlEntry:
    by_id: dict[str, list[Check]] = defaultdict(list)
    for check in checks:
        by_id[check.id].append(check)
    return ControlEntry(
        id=control.id,
        title=control.title,
        theme=control.theme.title,
        severity=control.severity,
        level=level,
        remedy=control.remedy,
        link=control.link,
        requirements=dict(control.maps),
        checks=tuple(_make_check(id_, functions, verdicts) for id_, functions in by_id.items()),
        status=worst(verdict.status for verdict in verdicts),
        tally=Tally.of(verdict.status for verdict in verdicts),
    )


def _make_check(id_: str, functions: list[Check], verdicts: list[VerdictEntry]) -> CheckEntry:
    own = [verdict.status for verdict in verdicts if verdict.check == id_]
    reads = {token: tuple(paths) for function in functions for token, paths in function.reads.items()}
    return CheckEntry(
        id=id_,
        cloud=functions[0].cloud,
        reads=dict(sorted(reads.items())),
        status=worst(own),
        tally=Tally.of(own),
    )


def _list_options(rules: Rules) -> dict[str, dict[str, object]]:
    """Each control's options that differ from their defaults."""
    found: dict[str, dict[str, object]] = {}
    for id_, options in sorted(rules.configuration.options.items()):
        differing = options.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        if differing:
            found[id_] = differing
    return found


def _list_resources(resources: Iterable[Resource], urns: set[str]) -> tuple[ResourceEntry, ...]:
    found = {resource.urn: _make_resource(resource) for resource in resources if resource.urn in urns}
    return tuple(found[urn] for urn in sorted(found))


def _make_resource(resource: Resource) -> ResourceEntry:
    file, line = _find_place(resource.declared)
    return ResourceEntry(
        urn=resource.urn,
        type=resource.type,
        name=resource.name,
        cloud=resource.cloud,
        file=file,
        line=line,
    )


def _find_place(declared: str) -> tuple[str, int | None]:
    """File and line inside the project; nothing for what lies outside, or was installed into it."""
    found = _DECLARED.fullmatch(declared)
    path = PurePosixPath(unquote(found["file"])) if found else PurePosixPath()
    if not found or path.is_absolute() or ".." in path.parts or path.parts[0] in _INSTALLED:
        return "", None
    return str(path), int(found["line"]) or None


def _list_unchecked(resources: Iterable[Resource], registry: Registry) -> tuple[Unchecked, ...]:
    """List the types at hand that no check of the selection names; components hold nothing and are left out.

    A check of all types of a package, such as that of tags, says nothing of what a type is for.
    """
    reasons = reasons_without_check()
    counts = Counter(
        resource.type for resource in resources if not registry.names(resource.type) and _holds_something(resource.type)
    )
    return tuple(
        Unchecked(type=token, count=counts[token], reason=reasons.get(token) or _explain(token))
        for token in sorted(counts)
    )


def _holds_something(token: str) -> bool:
    return token != STACK and not token.startswith(COMPONENTS)


def _explain(token: str) -> str:
    return _INTERNAL if token.startswith("pulumi:") else _NO_REASON
