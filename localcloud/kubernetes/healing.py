"""Brings back what the supervisor alone cannot: pods and gateways whose port somebody took while they were down."""

from __future__ import annotations

from localcloud.home import Home
from localcloud.kubernetes import deployments, gateways
from localcloud.kubernetes.cluster import Cluster


def heal(home: Home) -> None:
    """Look at every pod and gateway of a world, and start those again that do not run. Cheap where all is well."""
    for cluster in Cluster.all(home):
        deployments.heal(cluster)
        gateways.heal(cluster)
