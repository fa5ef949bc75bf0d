"""Deployments: as many ready pods as asked for, replaced by new ones without a request lost."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from localcloud.emulator import EmulatorError, Properties
from localcloud.kubernetes import kubelet
from localcloud.kubernetes.cluster import Cluster, Key, Manifest
from localcloud.kubernetes.gateways import refresh
from localcloud.kubernetes.objects import ObjectEmulator
from localcloud.kubernetes.pods import Pod, digest_of
from localcloud.kubernetes.workloads import await_ready
from localcloud.supervisord import SupervisionError

PROGRESS_SECONDS = 120.0
"""How long new pods may take to be ready at most; `progressDeadlineSeconds` (in Kubernetes 600) can only shorten it."""


class DeploymentEmulator(ObjectEmulator):
    """A rollout starts all new pods, and stops the old ones once gateways send to the new ones only.

    The old pods keep serving if a new one fails. What is in a ConfigMap or Secret does not belong to the template:
    as in any cluster, changing it changes mounted files but restarts nothing.
    """

    kind = "Deployment"

    def apply(self, cluster: Cluster, manifest: Manifest) -> None:
        """Roll out, then store."""
        _check_selector(manifest)
        with cluster.lock("rollouts"):
            roll_out(cluster, manifest)
            cluster.put(manifest)

    def withdraw(self, cluster: Cluster, manifest: Manifest) -> None:
        """Stop all its pods."""
        with cluster.lock("rollouts"):
            retire(cluster, Pod.owned_by(cluster, Key.of(manifest)))

    def observe(self, cluster: Cluster, manifest: Manifest) -> Properties | None:
        """Its replicas as they are; gone where not one of its pods is left, be it running or not."""
        serving = [pod for pod in Pod.owned_by(cluster, Key.of(manifest)) if pod.serving]
        if not serving and replicas(cluster, manifest):
            return None
        able = sum(kubelet.ready(pod) for pod in serving)
        return {"status": _status(len(serving), able, counted=manifest["spec"].get("replicas") is not None)}


def _status(count: int, able: int, *, counted: bool) -> Properties:
    """The status of a Deployment.

    Where the number of replicas is left to an autoscaler, it is told only when some are down: how many there are is
    no property of the Deployment then, and would look like drift whenever the autoscaler has done its work.
    """
    down = count - able
    status: Properties = {"conditions": [{"type": "Available", "status": "False" if down else "True"}]}
    if counted or down:
        status = {**status, "replicas": count, "readyReplicas": able, "availableReplicas": able}
    return {**status, "unavailableReplicas": down} if down else status


def roll_out(cluster: Cluster, deployment: Manifest) -> None:
    """Bring the pods of a Deployment to what it says; on EmulatorError those it had before go on serving.

    The cluster's rollouts are to be locked, until the Deployment is stored.
    """
    spec = deployment["spec"]
    digest = digest_of(spec["template"])
    suffixes = [f"{digest}-{number}" for number in range(replicas(cluster, deployment))]
    wanted = [Pod.drafted(cluster, deployment, spec["template"], suffix) for suffix in suffixes]
    names = {pod.name for pod in wanted}
    old = [pod for pod in Pod.owned_by(cluster, Key.of(deployment)) if pod.name not in names]
    if (spec.get("strategy") or {}).get("type") == "Recreate":
        retire(cluster, old)
        old = []
    try:
        started = [kubelet.start(pod) for pod in wanted]
        await_ready(started, min(PROGRESS_SECONDS, float(spec.get("progressDeadlineSeconds") or PROGRESS_SECONDS)))
        _admit(cluster, wanted, started)
    except BaseException:
        # What an interrupted rollout left half-made counts as new as well.
        retire(cluster, [pod for pod in wanted if not pod.serving])
        raise
    retire(cluster, old)


def retire(cluster: Cluster, leaving: Sequence[Pod]) -> None:
    """Stop pods, after gateways have stopped sending to them."""
    known_to_services = [pod for pod in leaving if _out_of_service(pod)]
    if known_to_services:
        with contextlib.suppress(EmulatorError, SupervisionError):
            # A gateway that cannot be told sends to nobody, or finds out by itself.
            refresh(cluster)
    kubelet.stop(leaving)


def _admit(cluster: Cluster, before: Sequence[Pod], now: Sequence[Pod]) -> None:
    """Let gateways know of pods that are new or have a new address; return once these are found healthy."""
    arriving = [pod for was, pod in zip(before, now, strict=True) if not was.serving or was.address != pod.address]
    if arriving:
        for pod in arriving:
            pod.with_status(serving=True)
        refresh(cluster, healthy=frozenset(pod.address for pod in arriving))


def _out_of_service(pod: Pod) -> bool:
    """Let services forget a pod; whether they had known it."""
    stored = pod.cluster.get("Pod", pod.namespace, pod.name)
    if stored is None or not stored["status"].get("serving"):
        return False
    Pod(pod.cluster, stored).with_status(serving=False)
    return True


def replicas(cluster: Cluster, deployment: Manifest) -> int:
    """How many pods there shall be: as the Deployment says (else 1), and no less than its autoscaler's minimum."""
    stated = deployment["spec"].get("replicas")
    minima = [minimum(scaler) for scaler in scalers(cluster, Key.of(deployment))]
    return max([1 if stated is None else int(stated), *minima])


def minimum(scaler: Manifest) -> int:
    """The least number of replicas that an autoscaler wants."""
    return int(scaler["spec"].get("minReplicas") or 1)


def scalers(cluster: Cluster, target: Key) -> list[Manifest]:
    """The autoscalers that aim at a workload."""
    return [
        scaler
        for scaler in cluster.list("HorizontalPodAutoscaler", target.namespace)
        if (scaler["spec"]["scaleTargetRef"]["kind"], scaler["spec"]["scaleTargetRef"]["name"])
        == (target.kind, target.name)
    ]


def _check_selector(manifest: Manifest) -> None:
    labels = (manifest["spec"]["template"].get("metadata") or {}).get("labels") or {}
    selected = (manifest["spec"].get("selector") or {}).get("matchLabels") or {}
    for name, value in selected.items():
        if labels.get(name) != value:
            raise EmulatorError(
                f"spec.selector wants label {name}={value}, which spec.template.metadata.labels has not"
            )


class AutoscalerEmulator(ObjectEmulator):
    """Holds its Deployment at the minimum; nothing here measures load, so it never scales beyond."""

    kind = "HorizontalPodAutoscaler"

    def apply(self, cluster: Cluster, manifest: Manifest) -> None:
        """Store, then bring the Deployment to the minimum."""
        # Stored first: a Deployment being rolled out right now either sees this, or is there once its rollout is over.
        with cluster.tentatively(manifest), cluster.lock("rollouts"):
            reference = manifest["spec"]["scaleTargetRef"]
            target = cluster.get(reference["kind"], Key.of(manifest).namespace, reference["name"])
            if target is not None:
                roll_out(cluster, target)

    def observe(self, cluster: Cluster, manifest: Manifest) -> Properties:  # noqa: ARG002
        """What it wants."""
        return {"status": {"desiredReplicas": minimum(manifest)}}
