"""The trail of what was done to the account itself, and the record of how it was set up."""

from __future__ import annotations

import re

from policies import (
    CRITICAL,
    HIGH,
    MEDIUM,
    PASS,
    Resource,
    Stack,
    Verdict,
    View,
    applies_to,
    fails,
    fixed_by,
    in_stack,
    in_turn,
    not_applicable,
    passes_if,
    sets,
)
from policies.controls.logging_audit import control
from policies.controls.logging_audit.exports import DESTINATIONS, SETTING, categories, destination
from policies.property_checks import OFF, ON, Property, check_properties

EVIDENCE = {
    "soc2": ["CC7.2", "CC7.3"],
    "iso27001": ["A.5.28", "A.8.15"],
    "gdpr": ["Art. 5(2)", "Art. 32(1)(b)"],
    "pci_dss": ["10.2.1", "10.3.4"],
}
AUDIT_CONFIG = "gcp:projects/iAMAuditConfig:IAMAuditConfig"
ACCESSES = ("ADMIN_READ", "DATA_READ", "DATA_WRITE")
ALL_SERVICES = "allServices"

complete_trail = control(
    "LOG-001",
    title="The audit trail of the account is complete",
    severity=CRITICAL,
    maps=EVIDENCE,
    remedy="Record all regions, all kinds of access and everybody, and send the trail where it is kept.",
    link="https://docs.aws.amazon.com/awscloudtrail/latest/userguide/best-practices-security.html",
)

_RECORDS = {
    "isMultiRegionTrail": False,
    "enableLogFileValidation": False,
    "enableLogging": True,
    "includeGlobalServiceEvents": True,
}
"""What a trail must do, and whether it does so without being told."""


_SELECTORS, _ADVANCED = "eventSelectors", "advancedEventSelectors.fieldSelectors"
_SELECTED = ("readWriteType", "includeManagementEvents", "excludeManagementEventSources")


@complete_trail
@applies_to(
    "aws:cloudtrail/trail:Trail",
    reads=[*_RECORDS, *(f"{_SELECTORS}.{name}" for name in _SELECTED), f"{_ADVANCED}.field", f"{_ADVANCED}.equals"],
)
@fixed_by(in_turn(*(sets(name, True) for name in _RECORDS)))
def trail_records_everything(trail: Resource) -> Verdict:
    off = [name for name, default in _RECORDS.items() if not trail.flag(name, default=default)]
    if off:
        return fails(f"{', '.join(off)} not on")
    basic, advanced = trail.objects(_SELECTORS), trail.objects("advancedEventSelectors")
    selects_all = any(map(_takes_all, basic)) or any(map(_takes_all_advanced, advanced))
    return passes_if(selects_all or not (basic or advanced), "its selectors leave out management events")


def _takes_all(selector: View) -> bool:
    """Tell whether a selector takes all management events, as it does untold."""
    if not selector.flag("includeManagementEvents", default=True) or selector.texts("excludeManagementEventSources"):
        return False
    return selector.text("readWriteType", "All") == "All"


def _takes_all_advanced(selector: View) -> bool:
    """Each further field would leave some of them out."""
    fields = selector.objects("fieldSelectors")
    return [(field.text("field"), field.texts("equals")) for field in fields] == [("eventCategory", ("Management",))]


_ACTIVITY = frozenset(
    (
        *("Administrative", "Security", "Alert", "Policy"),
        *("Autoscale", "Recommendation", "ResourceHealth", "ServiceHealth"),
    )
)
"""All categories of a subscription's activity log (Azure Monitor, activity log event schema)."""
_ACTIVITY_WANTED = ("Administrative", "Alert", "Policy", "Security")
_SUBSCRIPTION = re.compile(r"/?subscriptions/[^/]+/?", re.IGNORECASE)


@complete_trail
@applies_to(
    SETTING,
    reads=["resourceUri", "logs.category", "logs.categoryGroup", "logs.enabled", *DESTINATIONS],
)
def activity_log_is_exported(setting: Resource) -> Verdict:
    found = categories(setting)
    if found and found.isdisjoint(_ACTIVITY):
        return not_applicable("it exports the logs of a resource")
    if not _SUBSCRIPTION.fullmatch(setting.text("resourceUri")):
        return not_applicable("it belongs to no subscription")
    missing = [category for category in _ACTIVITY_WANTED if category not in found]
    if missing:
        return fails(f"it does not export {', '.join(missing)}")
    return passes_if(bool(destination(setting)), "it leads nowhere")


@complete_trail
@applies_to(AUDIT_CONFIG, reads=["auditLogConfigs.logType", "auditLogConfigs.exemptedMembers"])
@fixed_by(sets("auditLogConfigs", [{"logType": kind} for kind in ACCESSES]))
def every_access_is_audited(config: Resource) -> Verdict:
    return _audits_all(config)


def _audits_all(config: Resource) -> Verdict:
    exempted = config.texts("auditLogConfigs.exemptedMembers")
    if exempted:
        return fails(f"it leaves out {', '.join(exempted)}")
    missing = [kind for kind in ACCESSES if kind not in config.texts("auditLogConfigs.logType")]
    return passes_if(not missing, f"it does not record {', '.join(missing)}")


complete_trail_properties = check_properties(
    complete_trail,
    Property("gcp:logging/projectSink:ProjectSink", "disabled", OFF, fix=False),
)


every_service = control(
    "LOG-011",
    title="The audit trail covers every service",
    severity=HIGH,
    maps=EVIDENCE,
    remedy="Configure data access logs for allServices.",
    link="https://cloud.google.com/logging/docs/audit/configure-data-access",
)


@every_service
@in_stack(AUDIT_CONFIG, reads=["service"])
def all_services_are_audited(config: Resource, stack: Stack) -> Verdict:
    """A configuration of one service adds to that of all of them, where the stack has one."""
    service = config.text("service", "not set")
    if service == ALL_SERVICES:
        return PASS
    others = [
        resource for resource in stack.of_type(AUDIT_CONFIG) if resource.text("project") == config.text("project")
    ]
    return passes_if(any(other.text("service") == ALL_SERVICES for other in others), f"only {service} is recorded")


recorder = control(
    "LOG-010",
    title="The configuration recorder sees every type of resource",
    severity=MEDIUM,
    maps={
        "soc2": ["CC7.1", "CC8.1"],
        "iso27001": ["A.5.9", "A.8.9"],
        "gdpr": ["Art. 5(2)"],
        "pci_dss": ["11.5.2", "12.5.1"],
    },
    remedy="Record all supported and global types, and turn the recorder on.",
    link="https://docs.aws.amazon.com/config/latest/developerguide/select-resources.html",
)

_GROUP = ("recordingGroup.allSupported", "recordingGroup.includeGlobalResourceTypes")


@recorder
@applies_to("aws:cfg/recorder:Recorder", reads=_GROUP)
@fixed_by(sets("recordingGroup", {name.partition(".")[2]: True for name in _GROUP}))
def recorder_sees_everything(recorder: Resource) -> Verdict:
    """Without a group of its own a recorder takes all regional types, and no global ones.

    The fix makes a new group: AWS takes no list of types, or of exceptions, beside all of them.
    """
    off = [name for name, default in zip(_GROUP, (True, False), strict=True) if not recorder.flag(name, default)]
    return passes_if(not off, f"{', '.join(off)} not on")


recorder_properties = check_properties(
    recorder,
    Property("aws:cfg/recorderStatus:RecorderStatus", "isEnabled", ON, fix=True),
)
