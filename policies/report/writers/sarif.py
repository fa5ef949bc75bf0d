"""SARIF 2.1.0 (OASIS), for code scanning: what fails, what cannot be determined, what is exempt.

What passes or does not apply is left out: platforms show every result as an alert.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from policies.report.model import ControlEntry, FrameworkEntry, Report, ResourceEntry, VerdictEntry
from policies.verdicts import Severity, Status

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
SHOWN = (Status.FAIL, Status.NOT_DETERMINABLE, Status.EXEMPT)
LEVELS = {Severity.CRITICAL: "error", Severity.HIGH: "error", Severity.MEDIUM: "warning", Severity.LOW: "note"}
SCORES = {Severity.CRITICAL: "9.5", Severity.HIGH: "8.0", Severity.MEDIUM: "5.5", Severity.LOW: "2.0"}
"""Inside the bands in which GitHub sorts `security-severity`: over 9, 7 to 8.9, 4 to 6.9, 0.1 to 3.9."""
ROOT = "%SRCROOT%"
FINGERPRINT = "controlOnResource/v1"
PROJECT_FILE = "Pulumi.yaml"
"""Stands for a resource whose place in the program is not known: code scanning refuses a log that has one without."""
MOST_TAGS = 20
"""A rule with more makes code scanning refuse the log."""


def write(report: Report) -> str:
    """Write one run."""
    run = {
        "tool": {"driver": _driver(report)},
        "automationDetails": {"id": f"compliance/{report.source.stack}/"},
        "invocations": [_invocation(report)],
        "originalUriBaseIds": {ROOT: {"description": {"text": "The root of the Pulumi project"}}},
        "taxonomies": [_taxonomy(framework) for framework in report.frameworks],
        "results": _results(report),
        "columnKind": "utf16CodeUnits",
        "properties": {
            "source": report.source.model_dump(mode="json", by_alias=True),
            "figures": report.figures.model_dump(mode="json", by_alias=True),
        },
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=1) + "\n"


def _driver(report: Report) -> dict[str, Any]:
    return {
        "name": "Living Fortress policies",
        "semanticVersion": report.pack.version,
        "supportedTaxonomies": [{"name": one.name, "index": number} for number, one in enumerate(report.frameworks)],
        "rules": [_rule(control, report.frameworks) for control in report.controls],
    }


def _rule(control: ControlEntry, frameworks: tuple[FrameworkEntry, ...]) -> dict[str, Any]:
    mapped = {framework.id: control.requirements.get(framework.id, ()) for framework in frameworks}
    tags = [f"{framework} {id_}" for framework, ids in mapped.items() for id_ in ids]
    relationships = [
        {
            "target": {"id": requirement.id, "toolComponent": {"name": one.name, "index": number}},
            "kinds": ["relevant"],
        }
        for number, one in enumerate(frameworks)
        for requirement in one.requirements
        if control.id in requirement.controls
    ]
    rule: dict[str, Any] = {
        "id": control.id,
        "shortDescription": {"text": f"{control.title}."},
        "fullDescription": {"text": f"{control.title}. {control.remedy}"},
        "help": {"text": control.remedy, "markdown": _markdown(control)},
        "defaultConfiguration": {"level": LEVELS[control.severity]},
        "properties": {
            "tags": ["security", control.theme, *tags][:MOST_TAGS],
            "security-severity": SCORES[control.severity],
            "enforcement": control.level.value,
        },
    }
    if control.link:
        rule["helpUri"] = control.link
    if relationships:
        rule["relationships"] = relationships
    return rule


def _markdown(control: ControlEntry) -> str:
    mapped = [f"{framework}: {', '.join(ids)}" for framework, ids in control.requirements.items() if ids]
    return "\n".join([control.remedy, "", *(f"- {line}" for line in mapped)])


def _invocation(report: Report) -> dict[str, Any]:
    """Say that the checks ran; exemptions without effect are warnings of the run."""
    notes = [
        {"level": "warning", "message": {"text": f"{problem.where}: {problem.message}"}}
        for problem in report.exemption_problems
    ]
    return {
        "executionSuccessful": True,
        "endTimeUtc": report.generated.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "toolConfigurationNotifications": notes,
    }


def _taxonomy(framework: FrameworkEntry) -> dict[str, Any]:
    return {
        "name": framework.name,
        "version": framework.edition,
        "shortDescription": {"text": f"{framework.name}, {framework.edition}."},
        "taxa": [
            {"id": requirement.id, "shortDescription": {"text": f"{requirement.title}."}}
            for requirement in framework.requirements
        ],
    }


def _results(report: Report) -> list[dict[str, Any]]:
    places = {control.id: number for number, control in enumerate(report.controls)}
    resources = {resource.urn: resource for resource in report.resources}
    return [
        _result(verdict, places[verdict.control], report.controls[places[verdict.control]], resources[verdict.urn])
        for verdict in report.of_status(*SHOWN)
    ]


def _result(verdict: VerdictEntry, place: int, control: ControlEntry, resource: ResourceEntry) -> dict[str, Any]:
    failed = verdict.found is Status.FAIL
    said = f": {verdict.reason}" if verdict.reason else ""
    open_ = "" if failed else " (not determinable)"
    return {
        "ruleId": control.id,
        "ruleIndex": place,
        "kind": "fail" if failed else "open",
        "level": LEVELS[control.severity] if failed else "none",
        "message": {"text": f"{control.title}{open_}: {resource.name}{said}. {control.remedy}"},
        "locations": [_location(resource)],
        "fingerprints": {FINGERPRINT: verdict.fingerprint},
        "partialFingerprints": {FINGERPRINT: verdict.fingerprint},
        "suppressions": _suppressions(verdict),
        "properties": {"urn": verdict.urn, "cloud": verdict.cloud, "type": resource.type, "fixable": verdict.fixable},
    }


def _location(resource: ResourceEntry) -> dict[str, Any]:
    """Return the resource, and the line that declares it, or the project where that is not known."""
    return {
        "logicalLocations": [{"name": resource.name, "fullyQualifiedName": resource.urn, "kind": "resource"}],
        "physicalLocation": {
            "artifactLocation": {"uri": quote(resource.file or PROJECT_FILE), "uriBaseId": ROOT},
            "region": {"startLine": resource.line or 1},
        },
    }


def _suppressions(verdict: VerdictEntry) -> list[dict[str, Any]]:
    """Return the suppressions; an empty list says that there are none (SARIF 2.1.0, section 3.27.23)."""
    exemption = verdict.exemption
    if exemption is None:
        return []
    return [
        {
            "kind": "inSource" if exemption.origin == "code" else "external",
            "status": "accepted",
            "justification": exemption.reason,
            "properties": {
                "owner": exemption.owner,
                "ticket": exemption.ticket,
                "expires": exemption.expires.isoformat(),
                "origin": exemption.origin,
            },
        }
    ]
