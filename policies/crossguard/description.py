"""What a pack says of itself: one policy a control, with its level, its options and what it is evidence for."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from pulumi.runtime.proto import analyzer_pb2

from policies.configuration import ALL, EXEMPTIONS, Level, default_level
from policies.control import Control
from policies.registry import PACK_VERSION, Registry
from policies.verdicts import Severity

INFO_LEVELS = {
    Level.ADVISORY: analyzer_pb2.ADVISORY,
    Level.MANDATORY: analyzer_pb2.MANDATORY,
    Level.REMEDIATE: analyzer_pb2.REMEDIATE,
    Level.DISABLED: analyzer_pb2.DISABLED,
}
_SEVERITIES = {
    None: analyzer_pb2.POLICY_SEVERITY_UNSPECIFIED,
    Severity.LOW: analyzer_pb2.POLICY_SEVERITY_LOW,
    Severity.MEDIUM: analyzer_pb2.POLICY_SEVERITY_MEDIUM,
    Severity.HIGH: analyzer_pb2.POLICY_SEVERITY_HIGH,
    Severity.CRITICAL: analyzer_pb2.POLICY_SEVERITY_CRITICAL,
}


def severity_of(severity: Severity | None) -> Any:
    """Return the protocol's number of a severity."""
    return _SEVERITIES[severity]


@dataclass(frozen=True)
class Card:
    """What a pack is called, and where its exemptions are."""

    name: str
    title: str
    framework: str | None = None
    """The framework whose requirements its messages name, or all."""
    exemptions: str = ""
    """The exemptions file where the configuration names none, relative to the pack's folder."""


def describe_pack(card: Card, registry: Registry) -> Any:
    """Describe the pack to the engine, which checks configurations by it."""
    info = analyzer_pb2.AnalyzerInfo(name=card.name, displayName=card.title, version=PACK_VERSION, supportsConfig=True)
    info.policies.extend(_policy(control, registry) for control in registry.controls)
    info.policies.add(
        name=EXEMPTIONS,
        displayName="Exemptions",
        description="Exemptions that are malformed, expired or name an unknown check exempt nothing",
        enforcementLevel=analyzer_pb2.ADVISORY,
        policy_type=analyzer_pb2.POLICY_TYPE_STACK,
    )
    # The engine takes options under `all` only where it knows a level for that name, and then gives that level to all
    # policies that name none. So the pack itself gives a level to `all` and to each policy.
    info.initialConfig[ALL].enforcementLevel = analyzer_pb2.ADVISORY
    for policy in info.policies:
        info.initialConfig[policy.name].enforcementLevel = policy.enforcementLevel
    return info


def _policy(control: Control, registry: Registry) -> Any:
    kinds = {check.over_stack for check in registry.of(control)}
    kind = {frozenset({True}): analyzer_pb2.POLICY_TYPE_STACK, frozenset({False}): analyzer_pb2.POLICY_TYPE_RESOURCE}
    policy = analyzer_pb2.PolicyInfo(
        name=control.id,
        displayName=control.title,
        description=control.title,
        enforcementLevel=INFO_LEVELS[default_level(control)],
        policy_type=kind.get(frozenset(kinds), analyzer_pb2.POLICY_TYPE_UNKNOWN),
        severity=severity_of(control.severity),
        tags=[control.theme.id, *(f"{framework} {id_}" for framework, ids in control.maps.items() for id_ in ids)],
        remediation_steps=control.remedy,
        url=control.link,
    )
    policy.configSchema.properties.update(
        {name: _without_default(schema) for name, schema in control.options.schema_properties().items()}
    )
    return policy


def _without_default(schema: dict[str, Any]) -> dict[str, Any]:
    """The engine would write a default into the control's own options, where it hides what `all` says."""
    told = f"{schema.get('description', '')} Default: {json.dumps(schema['default'])}.".strip()
    return {name: value for name, value in schema.items() if name != "default"} | {"description": told}
