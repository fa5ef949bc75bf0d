"""Namespaces: closed to each other, closed to dangerous pods, and none of them the default one."""

from __future__ import annotations

from policies import (
    HIGH,
    MEDIUM,
    PASS,
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
from policies.clouds import network_policies
from policies.clouds.addresses import Ranges
from policies.clouds.network_policies import NETWORK_POLICY, WAYS
from policies.clouds.pods import in_pods
from policies.clouds.scope import Namespaces, unless_exempt
from policies.controls.k8s_pod_security import cilium_policies, control
from policies.controls.k8s_pod_security.cilium_policies import CILIUM_EVERYWHERE, CILIUM_POLICY

NAMESPACE = "kubernetes:core/v1:Namespace"
NAME, PLACE, LABELS = "metadata.name", "metadata.namespace", "metadata.labels"
DEFAULT = "default"


class Closed(Namespaces, Ranges):
    """Options of K8S-007."""


closed = control(
    "K8S-007",
    title="Every namespace denies what no policy allows, in and out",
    severity=HIGH,
    maps={
        "soc2": ["CC6.1", "CC6.6"],
        "iso27001": ["A.8.20", "A.8.22"],
        "gdpr": ["Art. 32(1)(b)"],
        "pci_dss": ["1.3.1", "1.3.2", "7.3.3"],
    },
    remedy="Add a NetworkPolicy for all pods with policyTypes Ingress and Egress, and policies for what is needed.",
    link="https://kubernetes.io/docs/concepts/services-networking/network-policies/",
    options=Closed,
)


@closed
@in_stack(NAMESPACE, reads=[NAME])
def namespace_is_closed(namespace: Resource, stack: Stack, options: Closed) -> Verdict:
    policies = _policies_of(namespace, stack)
    faults = [f"{way} is not denied" for way in WAYS if not any(_denies(policy, way) for policy in policies)]
    faults += [
        f"{policy.name} allows all {way}" for policy in policies for way in WAYS if _allows_all(policy, way, options)
    ]
    return unless_exempt(namespace, options, ", ".join(faults), at=NAME) if faults else PASS


def _denies(policy: Resource, way: str) -> bool:
    if policy.type == NETWORK_POLICY:
        return network_policies.denies(policy, way)
    return cilium_policies.denies(policy, way)


def _allows_all(policy: Resource, way: str, ranges: Ranges) -> bool:
    if policy.type == NETWORK_POLICY:
        return network_policies.allows_all(policy, way, ranges)
    return cilium_policies.allows_all(policy, way, ranges)


def _policies_of(namespace: Resource, stack: Stack) -> list[Resource]:
    """List what rules over the namespace, in its own cluster: another may have a namespace of the same name."""
    policies = stack.of_type(NETWORK_POLICY, CILIUM_POLICY, CILIUM_EVERYWHERE)
    near = [policy for policy in policies if policy.provider_urn == namespace.provider_urn]
    return [policy for policy in near if policy.type == CILIUM_EVERYWHERE or _is_in(policy, namespace, stack)]


def _is_in(policy: Resource, namespace: Resource, stack: Stack) -> bool:
    """A namespace that is not known, and did not come from this one, is another."""
    if namespace in stack.sources(policy, PLACE):
        return True
    return policy.known(PLACE) and _place(policy) == namespace.text(NAME)


def _place(resource: Resource) -> str:
    return resource.text(PLACE) or resource.provider.text("namespace") or DEFAULT


admission = control(
    "K8S-008",
    title="Namespaces refuse pods that break the Pod Security Standards",
    severity=HIGH,
    maps={"soc2": ["CC6.1", "CC6.8"], "iso27001": ["A.8.9"], "gdpr": ["Art. 25(2)"], "pci_dss": ["2.2.1"]},
    remedy="Label the namespace pod-security.kubernetes.io/enforce: restricted, or baseline where that is too much.",
    link="https://kubernetes.io/docs/concepts/security/pod-security-admission/",
    options=Namespaces,
)
ENFORCE = "pod-security.kubernetes.io/enforce"


def enforces_baseline(properties: Properties) -> Properties:
    """Return the namespace with the milder of the two profiles; the label's name holds dots, so it is no path."""
    labels = dict(View(value=properties).object(LABELS).entries())
    return with_value(properties, LABELS, {**labels, ENFORCE: "baseline"})


@admission
@applies_to(NAMESPACE, reads=[LABELS, NAME])
@fixed_by(enforces_baseline)
def namespace_admits_safe_pods(namespace: Resource, options: Namespaces) -> Verdict:
    profile = namespace.table(LABELS).get(ENFORCE, "not set")
    if profile in ("restricted", "baseline"):
        return PASS
    return unless_exempt(namespace, options, f"{ENFORCE} is {profile}", at=NAME)


own_namespace = control(
    "K8S-011",
    title="Workloads run in namespaces of their own",
    severity=MEDIUM,
    maps={
        "soc2": ["CC6.1", "CC6.6"],
        "iso27001": ["A.8.22"],
        "gdpr": ["Art. 32(1)(b)"],
        "pci_dss": ["1.3.1", "2.2.3"],
    },
    remedy="Name a namespace that was made for the workload: nothing closes the default one.",
)


@own_namespace
@in_pods(beside=[PLACE])
def workload_has_namespace(workload: Resource) -> Verdict:
    return passes_if(_place(workload) != DEFAULT, "it runs in the default namespace")
