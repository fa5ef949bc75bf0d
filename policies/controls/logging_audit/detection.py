"""Services that watch for attacks by themselves.

Where a stack makes none, nothing is said: often one stack of the organisation does so for all others.
"""

from __future__ import annotations

from policies import HIGH, Resource, Verdict, applies_to, fixed_by, passes_if, sets
from policies.controls.logging_audit import control

POSTURES = ("BASIC", "ENTERPRISE")
DEFENDER = "securityProfile.defender"

threat_detection = control(
    "LOG-009",
    title="Threat detection is on",
    severity=HIGH,
    maps={
        "soc2": ["CC6.8", "CC7.1", "CC7.2"],
        "iso27001": ["A.5.7", "A.8.7", "A.8.16"],
        "gdpr": ["Art. 32(1)(b)", "Art. 33"],
        "pci_dss": ["10.4.1.1", "11.5.1"],
    },
    remedy="Turn the detector, plan or sensor on.",
)


@threat_detection
@applies_to("aws:guardduty/detector:Detector", reads=["enable"])
@fixed_by(sets("enable", True))
def guard_duty_is_on(detector: Resource) -> Verdict:
    return passes_if(detector.flag("enable", default=True), "enable is off")


@threat_detection
@applies_to("aws:securityhub/account:Account", reads=["autoEnableControls"])
@fixed_by(sets("autoEnableControls", True))
def security_hub_takes_new_controls(account: Resource) -> Verdict:
    return passes_if(account.flag("autoEnableControls", default=True), "autoEnableControls is off")


@threat_detection
@applies_to("azure-native:security:Pricing", reads=["pricingTier"])
@fixed_by(sets("pricingTier", "Standard"))
def defender_plan_is_paid(plan: Resource) -> Verdict:
    tier = plan.text("pricingTier", "not set")
    return passes_if(tier == "Standard", f"pricingTier is {tier}")


@threat_detection
@applies_to("azure-native:sql:ServerSecurityAlertPolicy", reads=["state"])
@fixed_by(sets("state", "Enabled"))
def azure_sql_alerts(policy: Resource) -> Verdict:
    state = policy.text("state", "not set")
    return passes_if(state == "Enabled", f"state is {state}")


@threat_detection
@applies_to(
    "azure-native:containerservice:ManagedCluster",
    reads=[f"{DEFENDER}.securityMonitoring.enabled", f"{DEFENDER}.logAnalyticsWorkspaceResourceId"],
)
def aks_is_watched(cluster: Resource) -> Verdict:
    if not cluster.flag(f"{DEFENDER}.securityMonitoring.enabled"):
        return passes_if(False, "defender.securityMonitoring is off")
    return passes_if(cluster.has(f"{DEFENDER}.logAnalyticsWorkspaceResourceId"), "defender has no workspace")


@threat_detection
@applies_to("gcp:container/cluster:Cluster", reads=["securityPostureConfig.mode"])
@fixed_by(sets("securityPostureConfig.mode", "BASIC"))
def gke_is_watched(cluster: Resource) -> Verdict:
    mode = cluster.text("securityPostureConfig.mode", "not set")
    return passes_if(mode in POSTURES, f"securityPostureConfig.mode is {mode}")
