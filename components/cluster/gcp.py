"""A Kubernetes cluster on Google Cloud: GKE with managed node pools and Dataplane V2."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi_gcp import container, projects, serviceaccount

from components.cluster.kubeconfig import make_kubeconfig
from components.cluster.settings import ClusterSettings, NodeSize
from components.common import child_of, to_labels
from components.naming import GCP_SERVICE_ACCOUNT, GKE_CLUSTER, fit

MACHINES = {
    NodeSize.SMALL: "n2-standard-2",
    NodeSize.MEDIUM: "n2-standard-4",
    NodeSize.LARGE: "n2-standard-8",
}
CONTROL_PLANE_LOGS = ("SYSTEM_COMPONENTS", "WORKLOADS", "APISERVER", "SCHEDULER", "CONTROLLER_MANAGER")
CONTROL_PLANE_METRICS = ("SYSTEM_COMPONENTS", "APISERVER", "SCHEDULER", "CONTROLLER_MANAGER")
_NODE_ROLES = ("roles/container.defaultNodeServiceAccount", "roles/artifactregistry.reader")


@dataclass(frozen=True, kw_only=True)
class GcpClusterArgs:
    """A GKE cluster in an existing network."""

    settings: ClusterSettings
    project: str
    region: str
    zones: Sequence[str]
    network_id: pulumi.Input[str]
    subnet_id: pulumi.Input[str]
    pods_range_name: str
    """Secondary range of the subnet for pod addresses."""
    services_range_name: str
    control_plane_cidr: str
    """A free /28 for the API server's private address."""
    key_id: pulumi.Input[str]
    """The customer-managed key that encrypts Kubernetes secrets; GKE's own service identity may use it."""
    tags: Mapping[str, str]
    groups_domain_group: str | None = None
    """`gke-security-groups@<domain>`: Google groups inside it can be named in Kubernetes bindings."""


class GcpCluster(pulumi.ComponentResource):
    """GKE with private nodes, encrypted secrets, complete logs and enforced network policies."""

    name: pulumi.Output[str]
    kubeconfig: pulumi.Output[str]
    oidc_issuer: pulumi.Output[str]
    provider: kubernetes.Provider
    dns_cidrs: Sequence[str] = ()

    def __init__(self, name: str, args: GcpClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("livingfortress:cluster:GcpCluster", name, None, opts)
        child = child_of(self, opts)
        nodes = GcpNodeAccount(f"{name}-nodes", args, child)
        cluster = container.Cluster(
            name,
            **build_cluster_inputs(name, args, nodes.email),
            # GKE removes the initial pool at once, so its settings mean nothing afterwards.
            opts=child_of(self, child, after=[nodes], ignore_changes=["nodeConfig", "nodeVersion"]),
        )
        container.NodePool(
            f"{name}-work",
            name="work",
            cluster=cluster.id,
            project=args.project,
            location=args.region,
            **build_pool_inputs(args, nodes.email),
            opts=child,
        )
        self.name = cluster.name
        self.oidc_issuer = pulumi.Output.concat("https://container.googleapis.com/v1/", cluster.id)
        self.kubeconfig = pulumi.Output.all(
            cluster.name, cluster.endpoint, cluster.master_auth.cluster_ca_certificate
        ).apply(lambda known: _make_kubeconfig(*known))
        self.provider = kubernetes.Provider(name, kubeconfig=self.kubeconfig, opts=child)
        self.register_outputs({"name": self.name, "oidc_issuer": self.oidc_issuer, "kubeconfig": self.kubeconfig})


class GcpNodeAccount(pulumi.ComponentResource):
    """Service account of the nodes: it may write logs and metrics, and pull images."""

    email: pulumi.Output[str]

    def __init__(self, name: str, args: GcpClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("livingfortress:cluster:GcpNodeAccount", name, None, opts)
        child = child_of(self, opts)
        account = serviceaccount.Account(
            name,
            account_id=fit(GCP_SERVICE_ACCOUNT, name),
            project=args.project,
            display_name="Nodes of Living Fortress",
            opts=child,
        )
        for role in _NODE_ROLES:
            projects.IAMMember(
                f"{name}-{role.rpartition('.')[2]}", project=args.project, role=role, member=account.member, opts=child
            )
        self.email = account.email
        self.register_outputs({"email": account.email})


def build_cluster_inputs(name: str, args: GcpClusterArgs, node_account: pulumi.Input[str]) -> dict[str, Any]:
    """Return all inputs of the cluster."""
    settings = args.settings
    return {
        "name": fit(GKE_CLUSTER, name),
        "project": args.project,
        "location": args.region,
        "node_locations": list(args.zones),
        "min_master_version": settings.version,
        "release_channel": {"channel": "REGULAR"},
        "remove_default_node_pool": True,
        "initial_node_count": 1,
        "node_config": {"service_account": node_account, "machine_type": MACHINES[settings.size]},
        "network": args.network_id,
        "subnetwork": args.subnet_id,
        "networking_mode": "VPC_NATIVE",
        "ip_allocation_policy": {
            "cluster_secondary_range_name": args.pods_range_name,
            "services_secondary_range_name": args.services_range_name,
        },
        "datapath_provider": "ADVANCED_DATAPATH",  # Dataplane V2: network policies are enforced, and always on
        "enable_intranode_visibility": True,
        "private_cluster_config": {
            "enable_private_nodes": True,
            "enable_private_endpoint": settings.is_private,
            "master_ipv4_cidr_block": args.control_plane_cidr,
            "master_global_access_config": {"enabled": True},
        },
        "master_authorized_networks_config": {
            "cidr_blocks": [{"cidr_block": cidr, "display_name": cidr} for cidr in settings.allowed_cidrs],
            "gcp_public_cidrs_access_enabled": False,
        },
        "database_encryption": {"state": "ENCRYPTED", "key_name": args.key_id},
        "workload_identity_config": {"workload_pool": f"{args.project}.svc.id.goog"},
        "authenticator_groups_config": (
            {"security_group": args.groups_domain_group} if args.groups_domain_group else None
        ),
        "enable_legacy_abac": False,
        "master_auth": {"client_certificate_config": {"issue_client_certificate": False}},
        "enable_shielded_nodes": True,
        "security_posture_config": {"mode": "BASIC", "vulnerability_mode": "VULNERABILITY_DISABLED"},
        "logging_config": {"enable_components": list(CONTROL_PLANE_LOGS)},
        "monitoring_config": {
            "enable_components": list(CONTROL_PLANE_METRICS),
            "managed_prometheus": {"enabled": True},
        },
        # Envoy Gateway installs the CRDs of the Gateway API; two owners would conflict.
        "gateway_api_config": {"channel": "CHANNEL_DISABLED"},
        "maintenance_policy": {
            "recurring_window": {
                "start_time": "2026-01-04T01:00:00Z",
                "end_time": "2026-01-04T07:00:00Z",
                "recurrence": "FREQ=WEEKLY;BYDAY=SA,SU",
            }
        },
        "resource_labels": to_labels(args.tags),
        "deletion_protection": settings.deletion_protection,
    }


def build_pool_inputs(args: GcpClusterArgs, node_account: pulumi.Input[str]) -> dict[str, Any]:
    """Return the inputs of the node pool: three zones, repaired and upgraded by Google, with a surge of one node."""
    settings = args.settings
    return {
        "node_locations": list(args.zones),
        "initial_node_count": 1,
        "autoscaling": {
            "total_min_node_count": settings.min_nodes,
            "total_max_node_count": settings.max_nodes,
            "location_policy": "BALANCED",
        },
        "management": {"auto_repair": True, "auto_upgrade": True},
        "upgrade_settings": {"strategy": "SURGE", "max_surge": 1, "max_unavailable": 0},
        "node_config": {
            "machine_type": MACHINES[settings.size],
            "image_type": "COS_CONTAINERD",
            "disk_type": "pd-balanced",
            "disk_size_gb": 80,
            "service_account": node_account,
            # The account's roles limit a node; the scope only lets them apply.
            "oauth_scopes": ["https://www.googleapis.com/auth/cloud-platform"],
            "shielded_instance_config": {"enable_secure_boot": True, "enable_integrity_monitoring": True},
            "workload_metadata_config": {"mode": "GKE_METADATA"},
            "metadata": {"disable-legacy-endpoints": "true"},
            "resource_labels": to_labels(args.tags),
        },
    }


def _make_kubeconfig(name: str, endpoint: str, authority: str) -> str:
    return make_kubeconfig(name, endpoint, authority, "gke-gcloud-auth-plugin", cluster_info=True)
