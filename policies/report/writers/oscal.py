"""OSCAL assessment results (NIST, 1.2): an observation a verdict, a finding a requirement.

Identifiers are derived from what they name, so the same
report gives the same bytes, and a resource keeps its identifier from report to report.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterable
from typing import Any

from policies.report.model import FrameworkEntry, Report, RequirementEntry, ResourceEntry, VerdictEntry
from policies.verdicts import Status

OSCAL_VERSION = "1.2.1"
NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:living-fortress:compliance")
"""The root of all identifiers here."""
NS = "urn:living-fortress:oscal"
OBSERVED = (Status.PASS, Status.FAIL, Status.NOT_DETERMINABLE, Status.EXEMPT)


def write(report: Report) -> str:
    """Write one result over all frameworks of the report."""
    return json.dumps({"assessment-results": _document(report)}, indent=1) + "\n"


def _document(report: Report) -> dict[str, Any]:
    plan = _id("plan", report.pack.name, report.pack.version)
    return {
        "uuid": _id("report", report.source.digest, _stamp(report)),
        "metadata": {
            "title": _line(f"Compliance of {report.source.stack}"),
            "last-modified": _stamp(report),
            "version": report.version,
            "oscal-version": OSCAL_VERSION,
            "props": _origin(report),
        },
        "import-ap": {"href": f"#{plan}"},
        "results": [_result(report)],
        "back-matter": {
            "resources": [
                {
                    "uuid": plan,
                    "title": _line(f"Policy pack {report.pack.name} {report.pack.version}"),
                    "description": "The checks are the plan: each is code, and lists what it reads of which resources.",
                }
            ]
        },
    }


def _origin(report: Report) -> list[dict[str, str]]:
    """Describe what was looked at; the standard allows no empty value."""
    source = report.source
    told = {
        "source-kind": source.kind,
        "source-digest": source.digest,
        "source-taken": source.taken.isoformat() if source.taken else "",
        "stack": f"{source.project}/{source.stack}",
        "engine": source.engine,
        "pack": f"{report.pack.name} {report.pack.version}",
        "simulated": str(source.simulated).lower(),
    }
    return [_prop(name, value) for name, value in told.items() if value]


def _result(report: Report) -> dict[str, Any]:
    observed = report.of_status(*OBSERVED)
    judged = {verdict.urn for verdict in observed}
    result: dict[str, Any] = {
        "uuid": _id("result", report.source.digest, _stamp(report)),
        "title": _line(f"{report.source.kind} of {report.source.stack}"),
        "description": _line(
            f"{report.source.origin}. Over all verdicts, {report.figures.with_exemptions}. "
            f"Without exemptions, {report.figures.without_exemptions}. {_coverage(report)}"
        ),
        "start": _stamp(report),
        "end": _stamp(report),
        "reviewed-controls": {"control-selections": _selections(report)},
    }
    items = [_item(resource) for resource in report.resources if resource.urn in judged]
    findings = [
        _finding(report, framework, requirement, observed)
        for framework in report.frameworks
        for requirement in framework.requirements
        if requirement.status in OBSERVED
    ]
    if observed:  # an empty list is not allowed
        result["local-definitions"] = {"components": [_tool(report)], "inventory-items": items}
        result["observations"] = [_observation(report, verdict) for verdict in observed]
    if findings:
        result["findings"] = findings
    return result


def _coverage(report: Report) -> str:
    """Say each framework's own requirements with evidence: they cannot be added up."""
    shares = (f"{framework.name} {framework.figures.with_exemptions.coverage}" for framework in report.frameworks)
    return f"Requirements with evidence: {', '.join(shares)}."


def _tool(report: Report) -> dict[str, Any]:
    """Describe the tool that observed."""
    return {
        "uuid": _id("tool", report.pack.name, report.pack.version),
        "type": "software",
        "title": _line(f"Policy pack {report.pack.name}"),
        "description": f"{report.pack.checks} checks of {report.pack.controls} controls on resources of Pulumi.",
        "props": [_prop("version", report.pack.version)],
        "status": {"state": "operational"},
    }


def _selections(report: Report) -> list[dict[str, Any]]:
    """List one selection a framework: the requirements that something was observed for."""
    selections = []
    for framework in report.frameworks:
        reviewed = [requirement for requirement in framework.requirements if requirement.status in OBSERVED]
        kinds = ", ".join(f"{count} {kind}" for kind, count in framework.kinds.items())
        selection: dict[str, Any] = {
            "description": f"{framework.name}, {framework.edition}: {len(reviewed)} of {len(framework.requirements)} "
            f"{framework.unit} reviewed ({kinds})."
        }
        if reviewed:
            selection["include-controls"] = [{"control-id": token(framework, requirement)} for requirement in reviewed]
            selections.append(selection)
    return selections or [{"description": "Nothing was reviewed.", "include-controls": [{"control-id": "none"}]}]


def _item(resource: ResourceEntry) -> dict[str, Any]:
    return {
        "uuid": _id("resource", resource.urn),
        "description": f"{resource.type} {resource.name}",
        "props": [_prop("urn", resource.urn), _prop("cloud", resource.cloud)],
    }


def _observation(report: Report, verdict: VerdictEntry) -> dict[str, Any]:
    control = next(control for control in report.controls if control.id == verdict.control)
    observation: dict[str, Any] = {
        "uuid": _id("observation", verdict.fingerprint),
        "title": _line(f"{control.id} {control.title}"),
        "description": verdict.reason or ("As required." if verdict.status is Status.PASS else "Not as required."),
        "props": [_prop("verdict", verdict.status.value), _prop("check", verdict.check)],
        "methods": ["TEST-AUTOMATED"],
        "types": ["finding"],
        "origins": [{"actors": [{"type": "tool", "actor-uuid": _id("tool", report.pack.name, report.pack.version)}]}],
        "subjects": [{"subject-uuid": _id("resource", verdict.urn), "type": "inventory-item"}],
        "collected": _stamp(report),
    }
    if verdict.exemption:
        observation["remarks"] = (
            f"Exempt until {verdict.exemption.expires} by {verdict.exemption.owner} ({verdict.exemption.ticket}): "
            f"{verdict.exemption.reason}"
        )
    return observation


def _finding(
    report: Report, framework: FrameworkEntry, requirement: RequirementEntry, observed: Iterable[VerdictEntry]
) -> dict[str, Any]:
    related = [
        {"observation-uuid": _id("observation", verdict.fingerprint)}
        for verdict in observed
        if verdict.control in requirement.controls
    ]
    passed = requirement.status is Status.PASS
    return {
        "uuid": _id("finding", report.source.digest, framework.id, requirement.id),
        "title": _line(f"{framework.name} {requirement.id}: {requirement.title}"),
        "description": f"Verdict over all its checks: {requirement.status.value}.",
        "target": {
            "type": "objective-id",
            "target-id": token(framework, requirement),
            "status": {
                "state": "satisfied" if passed else "not-satisfied",
                "reason": {Status.PASS: "pass", Status.FAIL: "fail"}.get(requirement.status, "other"),
                "remarks": "As far as resources can show it." if passed else f"{requirement.status.value}.",
            },
        },
        "related-observations": related,
    }


def token(framework: FrameworkEntry, requirement: RequirementEntry) -> str:
    """Return a requirement's id as OSCAL can write it: `gdpr_Art.-32`."""
    return re.sub(r"[^A-Za-z0-9._-]", "-", f"{framework.id}_{requirement.id}")


def _prop(name: str, value: str) -> dict[str, str]:
    return {"name": name, "ns": NS, "value": _line(value)}


def _line(text: str) -> str:
    """Return the text on one line, without space around it."""
    return " ".join(text.split()) or "-"


def _stamp(report: Report) -> str:
    return report.generated.isoformat().replace("+00:00", "Z")


def _id(*parts: str) -> str:
    return str(uuid.uuid5(NAMESPACE, "\0".join(parts)))
