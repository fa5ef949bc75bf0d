"""What a network policy of Kubernetes or of Cilium does to all pods that it rules over."""

from __future__ import annotations

from policies import Resource, View

NETWORK_POLICY = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
CILIUM_POLICY = "kubernetes:cilium.io/v2:CiliumNetworkPolicy"
CILIUM_EVERYWHERE = "kubernetes:cilium.io/v2:CiliumClusterwideNetworkPolicy"
WAYS = {"Ingress": "from", "Egress": "to"}
"""Both ways of traffic, and how rules name the peers of each."""


def denies(policy: Resource, way: str) -> bool:
    """Whether, for all pods, the cluster now denies what no policy allows."""
    if policy.type == NETWORK_POLICY:
        return _is_empty(policy.object("spec.podSelector")) and way in _ways(policy)
    rules = f"spec.{way.lower()}"
    if not policy.flag(f"spec.enableDefaultDeny.{way.lower()}", default=True):
        return False
    spoken = policy.objects(rules) or policy.objects(f"{rules}Deny")
    return bool(spoken) and _is_empty(policy.object("spec.endpointSelector"))


def allows_all(policy: Resource, way: str) -> bool:
    """Whether a rule undoes that: every peer, every port, for all pods."""
    selector, peers = ("podSelector", WAYS[way]) if policy.type == NETWORK_POLICY else ("endpointSelector", "")
    if not _is_empty(policy.object(f"spec.{selector}")):
        return False
    rules = policy.objects(f"spec.{way.lower()}")
    if peers:
        return any(not rule.objects(peers) and not rule.objects("ports") for rule in rules)
    return any("all" in rule.texts(f"{WAYS[way]}Entities") and not rule.objects("toPorts") for rule in rules)


def _ways(policy: Resource) -> tuple[str, ...]:
    """What it rules over; where it does not say, that is what comes in, and what goes out if it has such rules."""
    said = policy.texts("spec.policyTypes")
    return said or ("Ingress", *(["Egress"] if policy.objects("spec.egress") else []))


def _is_empty(selector: View) -> bool:
    """Whether it selects everything."""
    return not selector.table("matchLabels") and not selector.objects("matchExpressions")
