"""What a network policy of Cilium does to all pods that it rules over."""

from __future__ import annotations

from policies import Resource, View
from policies.clouds.addresses import Ranges
from policies.clouds.network_policies import WAYS, is_empty, means_all_ports, selects_by

CILIUM_POLICY = "kubernetes:cilium.io/v2:CiliumNetworkPolicy"
CILIUM_EVERYWHERE = "kubernetes:cilium.io/v2:CiliumClusterwideNetworkPolicy"
_NAMESPACE = ("k8s:io.kubernetes.pod.namespace", "io.kubernetes.pod.namespace")
_EVERYBODY = frozenset(("all", "cluster", "world", "world-ipv4", "world-ipv6"))
"""Entities that are the internet, or every namespace (Cilium, entities based policies)."""
_PORTS = "toPorts"


def denies(policy: Resource, way: str) -> bool:
    """Whether, for all pods, the cluster now denies what no policy allows."""
    return any(_denies(spec, way.lower()) for spec in _of_all_pods(policy))


def _denies(spec: View, way: str) -> bool:
    if not spec.flag(f"enableDefaultDeny.{way}", default=True):
        return False
    return bool(spec.objects(way) or spec.objects(f"{way}Deny"))


def allows_all(policy: Resource, way: str, ranges: Ranges) -> bool:
    """Tell whether a rule undoes that: for all pods, at every port, anybody or every namespace."""
    rules = [rule for spec in _of_all_pods(policy) for rule in spec.objects(way.lower())]
    whole = [rule for rule in rules if _means_all_ports(rule)]
    return any(_means_everybody(rule, WAYS[way], policy.type, ranges) for rule in whole)


def _of_all_pods(policy: Resource) -> list[View]:
    """Return the specifications that rule over all pods; those for nodes have another selector."""
    specs = [*([policy.object("spec")] if policy.exists("spec") else []), *policy.objects("specs")]
    return [spec for spec in specs if spec.exists("endpointSelector") and is_empty(spec.object("endpointSelector"))]


def _means_all_ports(rule: View) -> bool:
    groups = rule.objects(_PORTS)
    return not groups or any(means_all_ports(group, "ports") for group in groups)


def _means_everybody(rule: View, prefix: str, type_: str, ranges: Ranges) -> bool:
    """A rule that says nothing lets nothing through; one that names ports alone means everybody there."""
    if not any(name.startswith(prefix) and name != _PORTS for name, _ in rule.entries()):
        return bool(rule.objects(_PORTS))
    if not _EVERYBODY.isdisjoint(rule.texts(f"{prefix}Entities")):
        return True
    blocks = [*rule.texts(f"{prefix}CIDR"), *(entry.text("cidr") for entry in rule.objects(f"{prefix}CIDRSet"))]
    if ranges.any_open(filter(None, blocks), f"{rule.path}.{prefix}CIDR"):
        return True
    return any(_is_every_namespace(entry, type_) for entry in rule.objects(f"{prefix}Endpoints"))


def _is_every_namespace(endpoints: View, type_: str) -> bool:
    """What selects nothing in particular means the policy's own namespace, if it has one."""
    return (type_ == CILIUM_EVERYWHERE and is_empty(endpoints)) or selects_by(endpoints, *_NAMESPACE)
