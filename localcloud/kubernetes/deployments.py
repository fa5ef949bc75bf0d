"""Deployments: as many ready pods as asked for, replaced by new ones without a request lost."""

from __future__ import annotations

from collections.abc import Sequence

from localcloud.body import BodyError, Properties
from localcloud.kubernetes import kubelet
from localcloud.kubernetes.cluster import Cluster, Key, Manifest
from localcloud.kubernetes.gateways import refresh
from localcloud.kubernetes.objects import ObjectBody
from localcloud.kubernetes.pods import Pod, digest_of
from localcloud.kubernetes.workloads import await_ready

PROGRESS_SECONDS = 120
"""How long new pods may take to be ready where the Deployment does not say (Kubernetes: 600)."""


class DeploymentBody(ObjectBody):
    """A rollout starts all new pods, and stops the old ones once gateways send to the new ones only.

    The old pods keep serving if a new one fails. What is in a ConfigMap or Secret does not belong to the template:
    as in any cluster, changing it changes mounted files but restarts nothing.
    """

    kind = "Deployment"

    def apply(self, cluster: Cluster, manifest: Manifest) -> None:
        """Roll out, then store."""
        _check_selector(manifest)
        roll_out(cluster, manifest)
        cluster.put(manifest)

    def withdraw(self, cluster: Cluster, manifest: Manifest) -> None:
        """Stop all its pods."""
        with cluster.lock("rollouts"):
            retire(cluster, Pod.owned_by(cluster, Key.of(manifest)))

    def observe(self, cluster: Cluster, manifest: Manifest) -> Properties | None:
        """Its replicas as they are; gone where not one of its pods is left, be it running or not."""
        owned = [pod for pod in Pod.owned_by(cluster, Key.of(manifest)) if pod.serving]
        if not owned and replicas(cluster, manifest):
            return None
        able = sum(kubelet.ready(pod) for pod in owned)
        condition = {"type": "Available", "status": "True" if able == len(owned) else "False"}
        counts = {"replicas": len(owned), "updatedReplicas": len(owned)}
        return {"status": counts | {"readyReplicas": able, "availableReplicas": able, "conditions": [condition]}}


def roll_out(cluster: Cluster, deployment: Manifest) -> None:
    """Bring the pods of a Deployment to what it says; on BodyError those it had before go on serving."""
    spec = deployment["spec"]
    template = spec["template"]
    with cluster.lock("rollouts"):
        digest = digest_of(template)
        count = replicas(cluster, deployment)
        wanted = [Pod.drafted(cluster, deployment, template, f"{digest}-{number}") for number in range(count)]
        names = {pod.name for pod in wanted}
        old = [pod for pod in Pod.owned_by(cluster, Key.of(deployment)) if pod.name not in names]
        if (spec.get("strategy") or {}).get("type") == "Recreate":
            retire(cluster, old)
            old = []
        # What an interrupted rollout left half-made counts as new as well.
        new = [pod for pod in wanted if not pod.serving]
        try:
            started = [kubelet.start(pod) for pod in wanted]
            await_ready(started, float(spec.get("progressDeadlineSeconds") or PROGRESS_SECONDS))
        except BaseException:
            kubelet.stop(new)
            raise
        _switch(cluster, started, old)


def retire(cluster: Cluster, leaving: Sequence[Pod]) -> None:
    """Stop pods, after gateways have stopped sending to them."""
    out_of_service = [pod.with_status(serving=False) for pod in leaving if pod.serving]
    if out_of_service:
        refresh(cluster)
    kubelet.stop(leaving)


def _switch(cluster: Cluster, new: Sequence[Pod], old: Sequence[Pod]) -> None:
    """Let gateways know the new pods, and once these take requests, leave the old ones."""
    arriving = [pod.with_status(serving=True) for pod in new if not pod.serving]
    if arriving:
        refresh(cluster, healthy=frozenset(pod.address for pod in arriving))
    retire(cluster, old)


def replicas(cluster: Cluster, deployment: Manifest) -> int:
    """How many pods there shall be: as the Deployment says (else 1), and no less than its autoscaler's minimum."""
    stated = deployment["spec"].get("replicas")
    key = Key.of(deployment)
    minimum = max(
        (int(scaler["spec"].get("minReplicas") or 1) for scaler in scalers(cluster, key)),
        default=0,
    )
    return max(1 if stated is None else int(stated), minimum)


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
            raise BodyError(f"spec.selector wants label {name}={value}, which spec.template.metadata.labels has not")


class AutoscalerBody(ObjectBody):
    """Holds its Deployment at the minimum; nothing here measures load, so it never scales beyond."""

    kind = "HorizontalPodAutoscaler"

    def apply(self, cluster: Cluster, manifest: Manifest) -> None:
        """Store, then bring the Deployment to the minimum."""
        with cluster.tentatively(manifest):
            target = self._target(cluster, manifest)
            if target is not None:
                roll_out(cluster, target)

    def observe(self, cluster: Cluster, manifest: Manifest) -> Properties:
        """How many replicas its target has."""
        target = self._target(cluster, manifest)
        count = replicas(cluster, target) if target else 0
        return {"status": {"currentReplicas": count, "desiredReplicas": count}}

    def _target(self, cluster: Cluster, manifest: Manifest) -> Manifest | None:
        reference = manifest["spec"]["scaleTargetRef"]
        return cluster.get(reference["kind"], Key.of(manifest).namespace, reference["name"])
