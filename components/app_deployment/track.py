"""One running version of the app, with its own autoscaler, disruption budget and Service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi_kubernetes import apps, autoscaling, core, policy

from components.app_deployment.pods import build_server_pod, checksum, selector
from components.app_deployment.settings import SURGE_PERCENT, AppDeploymentArgs
from components.common import child_of
from components.identity.workloads import LEDGER

SERVICE_PORT = 80


class AppTrack(pulumi.ComponentResource):
    """Deployment, autoscaler, disruption budget and Service under one name; the ingress decides which requests come."""

    service_name: str
    deployment: apps.v1.Deployment

    def __init__(
        self, name: str, args: AppDeploymentArgs, opts: pulumi.ResourceOptions | None = None, *, track: str = LEDGER
    ) -> None:
        super().__init__("livingfortress:app_deployment:AppTrack", name, None, opts)
        child = child_of(self, opts)
        pods = {**selector(LEDGER), "app.kubernetes.io/instance": track}
        metadata = {"name": track, "namespace": args.namespace, "labels": {**args.labels, **pods}}
        self.service_name = track
        self.deployment = apps.v1.Deployment(
            name, metadata=metadata, spec=build_deployment_spec(args, pods), opts=child
        )
        autoscaling.v2.HorizontalPodAutoscaler(
            name, metadata=metadata, spec=build_autoscaler_spec(args, track), opts=child
        )
        policy.v1.PodDisruptionBudget(
            name,
            metadata=metadata,
            spec={
                "minAvailable": args.replicas.min_available,
                "selector": {"matchLabels": pods},
                "unhealthyPodEvictionPolicy": "AlwaysAllow",  # a broken pod must not hold up a drain
            },
            opts=child,
        )
        core.v1.Service(
            name,
            metadata=metadata,
            spec={
                "type": "ClusterIP",
                "selector": pods,
                "ports": [{"name": "http", "port": SERVICE_PORT, "targetPort": "http", "protocol": "TCP"}],
            },
            opts=child,
        )
        self.register_outputs({"service": track})


def build_deployment_spec(args: AppDeploymentArgs, pods: Mapping[str, str]) -> dict[str, Any]:
    """Return a spec without a replica count: the autoscaler owns it, and a later `up` must not reset it."""
    annotations = {"checksum/directory": pulumi.Output.from_input(args.directory).apply(checksum)}
    return {
        "revisionHistoryLimit": 5,
        "progressDeadlineSeconds": 300,
        "selector": {"matchLabels": pods},
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": f"{SURGE_PERCENT}%"}},
        "template": {
            "metadata": {"labels": {**args.labels, **pods}, "annotations": annotations},
            "spec": build_server_pod(args),
        },
    }


def build_autoscaler_spec(args: AppDeploymentArgs, track: str) -> dict[str, Any]:
    replicas = args.replicas
    return {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": track},
        "minReplicas": replicas.minimum,
        "maxReplicas": replicas.maximum,
        "metrics": [
            {
                "type": "Resource",
                "resource": {
                    "name": "cpu",
                    "target": {"type": "Utilization", "averageUtilization": replicas.cpu_target_percent},
                },
            }
        ],
        "behavior": {
            # Grow at once, shrink slowly: credit traffic comes in bursts.
            "scaleDown": {
                "stabilizationWindowSeconds": 300,
                "policies": [{"type": "Percent", "value": 25, "periodSeconds": 60}],
            },
        },
    }
