"""The private network of each cloud, and the arithmetic that keeps them apart."""

from components.network.plan import InvalidNetwork, check_disjoint

__all__ = ["InvalidNetwork", "check_disjoint"]
