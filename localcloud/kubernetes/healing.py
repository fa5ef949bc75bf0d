"""Brings back what the supervisor alone cannot: pods and gateways whose port somebody took while they were down."""

from __future__ import annotations

import time

from localcloud.kubernetes import deployments, gateways
from localcloud.kubernetes.cluster import Cluster
from localcloud.sandbox import Sandbox

SETTLE_SECONDS = 5.0
"""How long what a supervisor has just begun to start may take."""
LOOK_SECONDS = 0.1


def heal(sandbox: Sandbox, settle_seconds: float = SETTLE_SECONDS) -> None:
    """Start those pods and gateways of a sandbox again that do not run. Cheap where all is well.

    EmulatorError names a port that cannot be had anywhere.
    """
    for cluster in _unwell(Cluster.all(sandbox), settle_seconds):
        deployments.heal(cluster)


def _unwell(clusters: list[Cluster], seconds: float) -> list[Cluster]:
    """The clusters that do not come up by themselves in a while."""
    deadline = time.monotonic() + seconds
    while True:
        clusters = [cluster for cluster in clusters if deployments.fallen(cluster) or gateways.silent(cluster)]
        if not clusters or time.monotonic() > deadline:
            return clusters
        time.sleep(LOOK_SECONDS)
