"""Settings of a Kubernetes cluster, the same for every cloud."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from enum import StrEnum

KUBERNETES_VERSION = "1.35"
"""The newest minor version in standard support on EKS and AKS and in GKE's Regular and Stable channels."""

VIEWERS = "living-fortress-viewers"
"""The Kubernetes group with read-only access to the app."""


class InvalidCluster(ValueError):
    """A cluster setting that one of the three services refuses, or that opens the cluster to everybody."""


class NodeSize(StrEnum):
    """Size of a node; each cloud's module maps it to machine types."""

    SMALL = "small"
    MEDIUM = "medium"
    LARGE = "large"


VCPUS = {NodeSize.SMALL: 2, NodeSize.MEDIUM: 4, NodeSize.LARGE: 8}


@dataclass(frozen=True, kw_only=True)
class ClusterSettings:
    """One cluster."""

    size: NodeSize
    min_nodes: int
    """Fewest nodes in all three zones together, where the cloud supports a minimum."""
    max_nodes: int
    """Most nodes in all three zones together."""
    deletion_protection: bool
    """The cloud itself refuses to delete the cluster, where it can."""
    allowed_cidrs: tuple[str, ...] = ()
    """Networks that may reach the API server from outside; empty: it has a private address only."""
    version: str = KUBERNETES_VERSION
    log_retention_days: int = 365
    """How long control-plane logs are kept."""

    def __post_init__(self) -> None:
        if not 1 <= self.min_nodes <= self.max_nodes:
            raise InvalidCluster(f"must hold 1 <= min_nodes <= max_nodes, got {self.min_nodes}, {self.max_nodes}")
        for cidr in self.allowed_cidrs:
            _check_cidr(cidr)

    @property
    def is_private(self) -> bool:
        return not self.allowed_cidrs


def _check_cidr(cidr: str) -> None:
    try:
        network = ipaddress.ip_network(cidr)
    except ValueError as error:
        raise InvalidCluster(f"allowed_cidrs: {error}") from None
    if network.prefixlen < 8:
        raise InvalidCluster(f"allowed_cidrs: {cidr} is too wide (at least /8); name the networks that deploy")
