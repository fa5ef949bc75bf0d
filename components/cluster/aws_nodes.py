"""The nodes of an EKS Auto Mode cluster: machine types, limits, and enforcement of network policies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_kubernetes import apiextensions, core

from components.cluster.settings import VCPUS, ClusterSettings
from components.common import child_of

NODE_CLASS = "living-fortress"


@dataclass(frozen=True, kw_only=True)
class AwsNodesArgs:
    settings: ClusterSettings
    role_name: pulumi.Input[str]
    """IAM role of the nodes; the same as of the built-in system pool, which the cluster admits by itself."""
    subnet_ids: Sequence[pulumi.Input[str]]
    security_group_id: pulumi.Input[str]
    labels: Mapping[str, str]


class AwsNodes(pulumi.ComponentResource):
    """A node pool with a network policy agent; Auto Mode's own general pool has none, so this replaces it."""

    def __init__(self, name: str, args: AwsNodesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("livingfortress:cluster:AwsNodes", name, None, opts)
        child = child_of(self, opts)
        controller = core.v1.ConfigMap(
            f"{name}-network-policy",
            metadata={"name": "amazon-vpc-cni", "namespace": "kube-system", "labels": args.labels},
            data={"enable-network-policy-controller": "true"},
            opts=child,
        )
        node_class = apiextensions.CustomResource(
            f"{name}-class",
            api_version="eks.amazonaws.com/v1",
            kind="NodeClass",
            metadata={"name": NODE_CLASS, "labels": dict(args.labels)},
            spec=build_node_class_spec(args),
            opts=child_of(self, child, after=[controller]),
        )
        apiextensions.CustomResource(
            f"{name}-pool",
            api_version="karpenter.sh/v1",
            kind="NodePool",
            metadata={"name": NODE_CLASS, "labels": dict(args.labels)},
            spec=build_node_pool_spec(args.settings),
            opts=child_of(self, child, after=[node_class]),
        )
        self.register_outputs({})


def build_node_class_spec(args: AwsNodesArgs) -> dict[str, Any]:
    return {
        "role": args.role_name,
        "subnetSelectorTerms": [{"id": subnet} for subnet in args.subnet_ids],
        "securityGroupSelectorTerms": [{"id": args.security_group_id}],
        "networkPolicy": "DefaultAllow",  # namespaces deny for themselves, so system namespaces need no exception
        "networkPolicyEventLogs": "Enabled",
        "ephemeralStorage": {"size": "80Gi"},
    }


def build_node_pool_spec(settings: ClusterSettings) -> dict[str, Any]:
    """Return a pool that grows with its pods; the settings limit it, by vCPUs."""
    vcpus = VCPUS[settings.size]
    wanted = {
        "karpenter.sh/capacity-type": ["on-demand"],
        "kubernetes.io/arch": ["amd64"],
        "eks.amazonaws.com/instance-category": ["m"],
        "eks.amazonaws.com/instance-cpu": [str(vcpus)],
    }
    return {
        "limits": {"cpu": str(vcpus * settings.max_nodes)},
        "disruption": {
            "consolidationPolicy": "WhenEmptyOrUnderutilized",
            "consolidateAfter": "5m",
            "budgets": [{"nodes": "1"}],
        },
        "template": {
            "spec": {
                "nodeClassRef": {"group": "eks.amazonaws.com", "kind": "NodeClass", "name": NODE_CLASS},
                "requirements": [{"key": key, "operator": "In", "values": values} for key, values in wanted.items()],
                "expireAfter": "336h",  # replace nodes older than two weeks by patched ones
                "terminationGracePeriod": "24h",
            }
        },
    }
