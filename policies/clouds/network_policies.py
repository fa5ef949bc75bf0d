"""What a network policy of Kubernetes does to all pods that it rules over."""

from __future__ import annotations

from policies.clouds.addresses import Ranges
from policies.resource import Resource
from policies.view import View

NETWORK_POLICY = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
WAYS = {"Ingress": "from", "Egress": "to"}
"""Both ways of traffic, and how rules name the peers of each."""
ALL_BUT = ("Exists", "NotIn")
"""Operators that, asked of the name that everything has, leave all of it, or all but what is listed."""
_NAME = "kubernetes.io/metadata.name"
_LAST_PORT = 65535


def denies(policy: Resource, way: str) -> bool:
    """Whether, for all pods, the cluster now denies what no policy allows."""
    return is_empty(policy.object("spec.podSelector")) and way in _ways(policy)


def allows_all(policy: Resource, way: str, ranges: Ranges) -> bool:
    """Tell whether a rule undoes that: for all pods, at every port, anybody or every namespace."""
    if not is_empty(policy.object("spec.podSelector")):
        return False
    rules = [rule for rule in policy.objects(f"spec.{way.lower()}") if means_all_ports(rule, "ports")]
    return any(_means_everybody(rule, WAYS[way], ranges) for rule in rules)


def is_empty(selector: View) -> bool:
    """Tell whether it selects everything."""
    return not _asks_for_labels(selector) and not selector.objects("matchExpressions")


def _asks_for_labels(selector: View) -> bool:
    """Tell whether it does, whatever their values are, which may be unknown."""
    return any(True for _ in selector.object("matchLabels").entries())


def selects_by(selector: View, *names: str) -> bool:
    """Tell whether it only asks for a name that everything has."""
    asked = selector.objects("matchExpressions")
    if _asks_for_labels(selector) or not asked:
        return False
    return all(expression.text("operator") in ALL_BUT and expression.text("key") in names for expression in asked)


def means_all_ports(rule: View, path: str) -> bool:
    """Tell whether a rule names no ports, or all there are."""
    named = rule.objects(path)
    return not named or any(map(_is_any_port, named))


def _is_any_port(port: View) -> bool:
    """Tell whether a port means all: a protocol alone does, and Cilium writes 0 for that."""
    first = port.text("port", "0")
    return first == "0" or (first == "1" and port.number("endPort") >= _LAST_PORT)


def _ways(policy: Resource) -> tuple[str, ...]:
    """Return the directions that a policy rules over; by default ingress, and egress if it has such rules."""
    said = policy.texts("spec.policyTypes")
    return said or ("Ingress", *(["Egress"] if policy.objects("spec.egress") else []))


def _means_everybody(rule: View, path: str, ranges: Ranges) -> bool:
    peers = rule.objects(path)
    return not peers or any(_is_everybody(peer, ranges) for peer in peers)


def _is_everybody(peer: View, ranges: Ranges) -> bool:
    """Tell whether a peer is any address, or all pods of every namespace."""
    if peer.exists("ipBlock"):
        return ranges.is_open(peer.text("ipBlock.cidr"), f"{peer.path}.ipBlock.cidr")
    if not peer.exists("namespaceSelector") or not is_empty(peer.object("podSelector")):
        return False
    namespaces = peer.object("namespaceSelector")
    return is_empty(namespaces) or selects_by(namespaces, _NAME)
