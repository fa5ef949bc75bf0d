"""What a Kubernetes cluster of this platform is asked for, whichever cloud runs it."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from enum import StrEnum

KUBERNETES_VERSION = "1.35"
"""The newest minor version in standard support on EKS and AKS and in GKE's Regular and Stable channels."""

VIEWERS = "living-fortress-viewers"
"""The Kubernetes group of people who may look at the app and change nothing."""


class InvalidCluster(ValueError):
    """A cluster setting that one of the three services would refuse, or that would open the cluster to the world."""


class NodeSize(StrEnum):
    """How large a node is; each cloud's module has the table of its own machines."""

    SMALL = "small"
    MEDIUM = "medium"
    LARGE = "large"


VCPUS = {NodeSize.SMALL: 2, NodeSize.MEDIUM: 4, NodeSize.LARGE: 8}


@dataclass(frozen=True, kw_only=True)
class ClusterSettings:
    """One cluster."""

    size: NodeSize
    min_nodes: int
    """Nodes in all three zones together that are there even without work, where the cloud keeps a floor."""
    max_nodes: int
    """Nodes in all three zones together, at most."""
    deletion_protection: bool
    """The cloud itself refuses to delete the cluster, where it can."""
    allowed_cidrs: tuple[str, ...] = ()
    """Who may reach the API server from outside; empty: its address is a private one, and there is no other."""
    version: str = KUBERNETES_VERSION
    log_retention_days: int = 365
    """How long control-plane logs are kept."""

    def __post_init__(self) -> None:
        if not 1 <= self.min_nodes <= self.max_nodes:
            raise InvalidCluster(f"must hold 1 <= min_nodes <= max_nodes, got {self.min_nodes}, {self.max_nodes}")
        for cidr in self.allowed_cidrs:
            _narrow(cidr)

    @property
    def is_private(self) -> bool:
        return not self.allowed_cidrs


def _narrow(cidr: str) -> None:
    try:
        network = ipaddress.ip_network(cidr)
    except ValueError as error:
        raise InvalidCluster(f"allowed_cidrs: {error}") from None
    if network.prefixlen < 8:
        raise InvalidCluster(f"allowed_cidrs: {cidr} is nearly everybody; name the networks that deploy")
