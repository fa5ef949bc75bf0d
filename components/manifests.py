"""Parts of Kubernetes manifests: rules of NetworkPolicies, and labels of Pod Security Admission."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pulumi

from components.cluster.settings import KUBERNETES_VERSION

LINK_LOCAL = "169.254.0.0/16"
"""Addresses at which nodes answer their pods, also with tokens of the node."""
METADATA_SERVER = "169.254.169.254/32"

Rule = dict[str, Any]
DENIED: Rule = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
"""Denies all traffic of the namespace that no other policy allows."""


def egress(pods: Rule, rules: list[Rule]) -> Rule:
    return {"podSelector": pods, "policyTypes": ["Egress"], "egress": rules}


def dns(cidrs: Sequence[str]) -> Rule:
    """Return a rule to the pods of kube-dns and to further DNS addresses."""
    resolver = namespace("kube-system") | {"podSelector": {"matchLabels": {"k8s-app": "kube-dns"}}}
    return {
        "to": [resolver, *[{"ipBlock": {"cidr": cidr}} for cidr in cidrs]],
        "ports": [port(53, "UDP"), port(53)],
    }


def addresses(cidrs: Sequence[pulumi.Input[str]], number: int, but_not: Sequence[str] = ()) -> Rule:
    excepted = {"except": [*but_not]} if but_not else {}
    return {"to": [{"ipBlock": {"cidr": cidr, **excepted}} for cidr in cidrs], "ports": [port(number)]}


def anywhere(number: int) -> Rule:
    """Return a rule to any address except those of the node."""
    return addresses(["0.0.0.0/0"], number, but_not=[LINK_LOCAL])


def namespace(name: str) -> Rule:
    return {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}}}


def port(number: int, protocol: str = "TCP") -> Rule:
    return {"port": number, "protocol": protocol}


def restricted(version: str = KUBERNETES_VERSION) -> dict[str, str]:
    """Return namespace labels that refuse pods outside the restricted profile of that Kubernetes version."""
    labels: dict[str, str] = {}
    for mode in ("enforce", "audit", "warn"):
        labels[f"pod-security.kubernetes.io/{mode}"] = "restricted"
        labels[f"pod-security.kubernetes.io/{mode}-version"] = f"v{version}"
    return labels
