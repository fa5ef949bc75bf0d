"""Workloads that go on while one of their machines is away."""

from __future__ import annotations

from policies import MEDIUM, PASS, Resource, Stack, Verdict, applies_to, fails, in_stack, passes_if
from policies.clouds.scope import Environments, Namespaces, unless_exempt
from policies.controls.backup_dr import EXPENDABLE, control

ENOUGH = 2
BUDGET = "kubernetes:policy/v1:PodDisruptionBudget"
SCALER = "kubernetes:autoscaling/v2:HorizontalPodAutoscaler"
DEPLOYMENT, STATEFUL_SET = "kubernetes:apps/v1:Deployment", "kubernetes:apps/v1:StatefulSet"


class Workloads(Environments, Namespaces):
    """Options of BKP-008."""


several = control(
    "BKP-008",
    title="Workloads run more than one replica, and disruptions leave some of them",
    severity=MEDIUM,
    maps={
        "soc2": ["A1.2"],
        "iso27001": ["A.8.14"],
        "gdpr": ["Art. 32(1)(b)"],
    },
    remedy="Run at least two replicas in different zones, and select them by a PodDisruptionBudget.",
    options=Workloads,
)


@several
@in_stack(
    DEPLOYMENT,
    STATEFUL_SET,
    reads=["spec.replicas", "spec.template.metadata.labels", "metadata.namespace", "metadata.name"],
)
def workload_outlives_a_node(workload: Resource, stack: Stack, options: Workloads) -> Verdict:
    if not options.protects(workload):
        return EXPENDABLE
    replicas = _replicas(workload, stack)
    if replicas < ENOUGH:
        return unless_exempt(workload, options, f"it may run with {replicas} replicas")
    budgets = [budget for budget in _beside(workload, stack, BUDGET) if _selects(budget, workload)]
    return PASS if budgets else unless_exempt(workload, options, "no PodDisruptionBudget selects it")


def _beside(workload: Resource, stack: Stack, token: str) -> list[Resource]:
    """The resources of a type that are in the workload's cluster and namespace."""
    namespace = workload.text("metadata.namespace")
    return [
        resource
        for resource in stack.of_type(token)
        if resource.provider_urn == workload.provider_urn and resource.text("metadata.namespace") == namespace
    ]


def _replicas(workload: Resource, stack: Stack) -> float:
    """Return how few replicas may run: by the scaler where there is one, else by the workload."""
    name, kind = workload.text("metadata.name"), workload.type.rpartition(":")[2]
    for scaler in _beside(workload, stack, SCALER):
        target = scaler.object("spec.scaleTargetRef")
        if (target.text("kind"), target.text("name")) == (kind, name):
            return scaler.number("spec.minReplicas", default=1)
    return workload.number("spec.replicas", default=1)


def _selects(budget: Resource, workload: Resource) -> bool:
    wanted = budget.table("spec.selector.matchLabels")
    return bool(wanted) and wanted.items() <= workload.table("spec.template.metadata.labels").items()


@several
@applies_to(BUDGET, reads=["spec.minAvailable", "spec.maxUnavailable", "metadata.namespace"])
def budget_leaves_some(budget: Resource, options: Workloads) -> Verdict:
    if not options.protects(budget):
        return EXPENDABLE
    least, most = budget.text("spec.minAvailable"), budget.text("spec.maxUnavailable")
    if least and least not in ("0", "0%"):
        return PASS
    if most and most != "100%":
        return PASS
    return unless_exempt(budget, options, "it lets all of them go at once")


@several
@applies_to("aws:autoscaling/group:Group", reads=["minSize", "vpcZoneIdentifiers", "availabilityZones"])
def machines_are_several(group: Resource, options: Workloads) -> Verdict:
    if not options.protects(group):
        return EXPENDABLE
    if group.number("minSize") < ENOUGH:
        return fails(f"minSize is {group.number('minSize')}")
    zones = group.texts("vpcZoneIdentifiers") or group.texts("availabilityZones")
    return passes_if(len(set(zones)) >= ENOUGH, "it is in one zone")


@several
@applies_to("azure-native:compute:VirtualMachineScaleSet", reads=["zones"])
def scale_set_is_in_zones(group: Resource, options: Workloads) -> Verdict:
    if not options.protects(group):
        return EXPENDABLE
    return passes_if(len(set(group.texts("zones"))) >= ENOUGH, "it is in one zone")
