"""Brings back what supervisord alone cannot: pods and gateways whose port somebody took while they were down."""

from __future__ import annotations

import time

from localcloud.kubernetes import gateways, kubelet
from localcloud.kubernetes.cluster import Cluster
from localcloud.kubernetes.pods import Pod
from localcloud.sandbox import Sandbox

SETTLE_SECONDS = 5.0
"""Time for what supervisord has just begun to start."""
LOOK_SECONDS = 0.1


def reconcile(sandbox: Sandbox, settle_seconds: float = SETTLE_SECONDS) -> None:
    """Start the pods and gateways of a sandbox that do not run, at another address if somebody has taken their port.

    Does not wait until pods are ready: what they need may be about to come back too. Costs little if all run.
    Raises EmulatorError, which names a port that cannot be had anywhere.
    """
    for cluster in _find_broken(Cluster.all(sandbox), settle_seconds):
        with cluster.lock("rollouts"):
            for pod in _find_fallen(cluster):
                kubelet.start(pod)
            gateways.refresh(cluster)


def _find_broken(clusters: list[Cluster], seconds: float) -> list[Cluster]:
    """Return the clusters that do not come up by themselves within the time."""
    deadline = time.monotonic() + seconds
    while True:
        clusters = [cluster for cluster in clusters if _find_fallen(cluster) or gateways.silent(cluster)]
        if not clusters or time.monotonic() > deadline:
            return clusters
        time.sleep(LOOK_SECONDS)


def _find_fallen(cluster: Cluster) -> list[Pod]:
    """Return the pods that services send to although not all of their processes run."""
    pods = [Pod(cluster, manifest) for manifest in cluster.list("Pod")]
    return [pod for pod in pods if pod.serving and not all(state.running for state in kubelet.states(pod))]
