"""What the control planes of Kubernetes write down."""

from __future__ import annotations

from collections.abc import Sequence

from policies import (
    HIGH,
    Fix,
    Properties,
    Resource,
    Stack,
    Verdict,
    View,
    applies_to,
    fixed_by,
    in_stack,
    passes_if,
    with_value,
)
from policies.controls.logging_audit import RECORDED, control
from policies.controls.logging_audit.exports import exported

EKS_TYPES, EKS_LOGS = "enabledClusterLogTypes", ("api", "audit", "authenticator")
GKE_COMPONENTS, GKE_LOGS = "loggingConfig.enableComponents", ("SYSTEM_COMPONENTS", "APISERVER")
GKE_UNTOLD = ("SYSTEM_COMPONENTS", "WORKLOADS")
"""What a cluster logs that is told nothing, and Autopilot in any case."""
GKE_SERVICES = ("", "logging.googleapis.com/kubernetes")
AKS_AUDIT = ("kube-audit", "kube-audit-admin")
"""The second is the first without what only reads."""

control_plane_logs = control(
    "LOG-008",
    title="Control planes of Kubernetes write their logs",
    severity=HIGH,
    maps={**RECORDED, "iso27001": ["A.8.15", "A.8.16"], "pci_dss": ["10.2.1", "10.2.1.2"]},
    remedy="Turn the logs of the API server, of audit and of logins on.",
    link="https://docs.aws.amazon.com/eks/latest/userguide/control-plane-logs.html",
)


def with_texts(path: str, wanted: Sequence[str], untold: Sequence[str] = ()) -> Fix:
    """Return the fix that adds texts to a list and keeps what is there, or the cloud's default where nothing is."""

    def fix(properties: Properties) -> Properties:
        found = View(value=properties).texts(path) or tuple(untold)
        return with_value(properties, path, [*found, *(text for text in wanted if text not in found)])

    return fix


def _has_all(cluster: Resource, path: str, wanted: Sequence[str]) -> Verdict:
    missing = [text for text in wanted if text not in cluster.texts(path)]
    return passes_if(not missing, f"{path} leaves out {', '.join(missing)}")


@control_plane_logs
@applies_to("aws:eks/cluster:Cluster", reads=[EKS_TYPES])
@fixed_by(with_texts(EKS_TYPES, EKS_LOGS))
def eks_is_logged(cluster: Resource) -> Verdict:
    return _has_all(cluster, EKS_TYPES, EKS_LOGS)


@control_plane_logs
@in_stack("azure-native:containerservice:ManagedCluster", reads=[])
def aks_is_logged(cluster: Resource, stack: Stack) -> Verdict:
    found = exported(cluster, stack)
    if not found.isdisjoint(("allLogs", "audit")):
        return passes_if(True)
    audited = "kube-apiserver" in found and not found.isdisjoint(AKS_AUDIT)
    return passes_if(audited, "no diagnostic setting exports kube-apiserver and kube-audit")


@control_plane_logs
@applies_to("gcp:container/cluster:Cluster", reads=["loggingService", GKE_COMPONENTS])
@fixed_by(with_texts(GKE_COMPONENTS, GKE_LOGS, GKE_UNTOLD))
def gke_is_logged(cluster: Resource) -> Verdict:
    service = cluster.text("loggingService")
    if service not in GKE_SERVICES:
        return passes_if(False, f"loggingService is {service}")
    return _has_all(cluster, GKE_COMPONENTS, GKE_LOGS)
