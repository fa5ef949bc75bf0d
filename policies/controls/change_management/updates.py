"""Patches come by themselves, and nothing stands in their way."""

from __future__ import annotations

from pydantic import Field

from policies import (
    LOW,
    MEDIUM,
    PASS,
    Options,
    Properties,
    Resource,
    Verdict,
    View,
    applies_to,
    fails,
    fixed_by,
    in_turn,
    passes_if,
    sets,
    with_value,
)
from policies.clouds.durations import days_of_go
from policies.controls.change_management import control
from policies.property_checks import ON, Property, check_properties


class Nodes(Options):
    """Options of CHG-003."""

    maximum_node_days: int = Field(default=30, ge=1, description="Days after which a node gives way to a patched one.")


patched = control(
    "CHG-003",
    title="Patches and minor versions are applied without anybody asking",
    severity=MEDIUM,
    maps={"soc2": ["CC7.1"], "iso27001": ["A.8.8"], "gdpr": ["Art. 32(1)(b)"], "pci_dss": ["6.3.3"]},
    remedy="Turn automatic upgrades on.",
    options=Nodes,
)


patched_properties = check_properties(
    patched,
    Property(
        (
            "aws:rds/instance:Instance",
            "aws:rds/clusterInstance:ClusterInstance",
            "aws:elasticache/replicationGroup:ReplicationGroup",
            "aws:elasticache/cluster:Cluster",
        ),
        "autoMinorVersionUpgrade",
        ON,
        absent=True,
        fix=True,
    ),
    # With extended support, which is what AWS does by itself, a cluster stays on a version for two years.
    Property(
        "aws:eks/cluster:Cluster",
        "upgradePolicy.supportType",
        "STANDARD",
        name="upgradePolicy.supportType",
        fix="STANDARD",
    ),
)


_CHANNELS = {
    "autoUpgradeProfile.upgradeChannel": ("patch", "stable", "rapid"),
    "autoUpgradeProfile.nodeOSUpgradeChannel": ("NodeImage", "SecurityPatch"),
}


def takes_patches(properties: Properties) -> Properties:
    """Set every channel that is not good to the first good one."""
    cluster = View(value=properties)
    for path, good in _CHANNELS.items():
        if cluster.text(path) not in good:
            properties = with_value(properties, path, good[0])
    return properties


@patched
@applies_to("azure-native:containerservice:ManagedCluster", reads=[*_CHANNELS])
@fixed_by(takes_patches)
def aks_takes_patches(cluster: Resource) -> Verdict:
    found = {path: cluster.text(path, "not set") for path in _CHANNELS}
    stale = [f"{path} is {channel}" for path, channel in found.items() if channel not in _CHANNELS[path]]
    return passes_if(not stale, ", ".join(stale))


@patched
@applies_to("gcp:container/cluster:Cluster", reads=["releaseChannel.channel", "enableAutopilot"])
@fixed_by(sets("releaseChannel.channel", "REGULAR"))
def gke_takes_patches(cluster: Resource) -> Verdict:
    """Autopilot puts a cluster on the regular channel where nobody says otherwise."""
    if not cluster.has("releaseChannel.channel") and cluster.flag("enableAutopilot"):
        return PASS
    channel = cluster.text("releaseChannel.channel", "not set")
    return passes_if(channel in ("RAPID", "REGULAR", "STABLE", "EXTENDED"), f"releaseChannel.channel is {channel}")


_MANAGED = ("management.autoUpgrade", "management.autoRepair")


@patched
@applies_to("gcp:container/nodePool:NodePool", reads=_MANAGED)
@fixed_by(in_turn(*(sets(path, True) for path in _MANAGED)))
def gke_nodes_take_patches(pool: Resource) -> Verdict:
    missing = [path for path in _MANAGED if not pool.flag(path)]
    return passes_if(not missing, f"{', '.join(missing)} not on")


_AGE = "spec.template.spec.expireAfter"
KARPENTERS_OWN = "720h"


@patched
@applies_to("kubernetes:karpenter.sh/v1:NodePool", reads=[_AGE])
@fixed_by(sets(_AGE, "336h"))
def karpenter_renews_nodes(pool: Resource, options: Nodes) -> Verdict:
    age = pool.text(_AGE, KARPENTERS_OWN)
    return passes_if(0 < (days_of_go(age) or 0) <= options.maximum_node_days, f"expireAfter is {age}")


drainable = control(
    "CHG-011",
    title="Disruption budgets let nodes be drained",
    severity=LOW,
    maps={"soc2": ["A1.2", "CC7.1"], "iso27001": ["A.8.8", "A.8.14"], "pci_dss": ["6.3.3"]},
    remedy="Let one pod go, and set unhealthyPodEvictionPolicy to AlwaysAllow: what cannot be drained stays unpatched.",
    link="https://kubernetes.io/docs/tasks/run-application/configure-pdb/",
)
_LEAST, _MOST, _UNHEALTHY = "spec.minAvailable", "spec.maxUnavailable", "spec.unhealthyPodEvictionPolicy"


@drainable
@applies_to("kubernetes:policy/v1:PodDisruptionBudget", reads=[_LEAST, _MOST, _UNHEALTHY])
def budget_lets_pods_go(budget: Resource) -> Verdict:
    least, most = budget.text(_LEAST, "0"), budget.text(_MOST, "1")
    if least == "100%" or not most.strip("0%"):
        return fails(f"no pod may go: {_LEAST} is {least}, {_MOST} is {most}")
    policy = budget.text(_UNHEALTHY, "IfHealthyBudget")
    return passes_if(policy == "AlwaysAllow", f"{_UNHEALTHY} is {policy}, so a broken pod holds its node up")


ready = control(
    "CHG-012",
    title="Pods that serve say when they are ready",
    severity=LOW,
    maps={"soc2": ["A1.2", "CC8.1"], "iso27001": ["A.8.14", "A.8.32"]},
    remedy="Give the container a readinessProbe: without one a new version replaces the old before it can serve.",
)
_PODS, _PORTS = "spec.template.spec.containers", "ports"
_PROBE = ("httpGet", "tcpSocket", "exec", "grpc")


@ready
@applies_to(
    "kubernetes:apps/v1:Deployment",
    "kubernetes:apps/v1:StatefulSet",
    "kubernetes:apps/v1:DaemonSet",
    reads=[f"{_PODS}.{_PORTS}", *(f"{_PODS}.readinessProbe.{name}" for name in _PROBE)],
)
def servers_say_when_they_are_ready(workload: Resource) -> Verdict:
    servers = [entry for entry in workload.objects(_PODS) if entry.objects(_PORTS)]
    silent = [server.path for server in servers if not any(server.exists(f"readinessProbe.{kind}") for kind in _PROBE)]
    return passes_if(not silent, f"no readinessProbe in {', '.join(silent)}")
