"""Services that watch for attacks by themselves.

Where a stack makes none, nothing is said: often one stack of the organisation does so for all others.
"""

from __future__ import annotations

from policies import HIGH, Resource, Verdict, applies_to, passes_if
from policies.controls.logging_audit import control
from policies.property_checks import ON, Property, check_properties

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
@applies_to(
    "azure-native:containerservice:ManagedCluster",
    reads=[f"{DEFENDER}.securityMonitoring.enabled", f"{DEFENDER}.logAnalyticsWorkspaceResourceId"],
)
def aks_is_watched(cluster: Resource) -> Verdict:
    if not cluster.flag(f"{DEFENDER}.securityMonitoring.enabled"):
        return passes_if(False, "defender.securityMonitoring is off")
    return passes_if(cluster.has(f"{DEFENDER}.logAnalyticsWorkspaceResourceId"), "defender has no workspace")


threat_detection_properties = check_properties(
    threat_detection,
    Property("aws:guardduty/detector:Detector", "enable", ON, absent=True, fix=True),
    Property("aws:securityhub/account:Account", "autoEnableControls", ON, absent=True, fix=True),
    Property("azure-native:security:Pricing", "pricingTier", "Standard", fix="Standard"),
    Property("azure-native:sql:ServerSecurityAlertPolicy", "state", "Enabled", fix="Enabled"),
    Property(
        "gcp:container/cluster:Cluster",
        "securityPostureConfig.mode",
        POSTURES,
        name="securityPostureConfig.mode",
        fix="BASIC",
    ),
)
