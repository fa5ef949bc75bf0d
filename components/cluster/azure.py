"""A Kubernetes cluster on Azure: AKS with managed node pools, Cilium, and an API server inside the network."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes
import yaml
from pulumi_azure_native import containerservice, monitor

from components.cluster.azure_identity import AzureClusterIdentity, AzureClusterIdentityArgs
from components.cluster.kubeconfig import CERTIFICATE, make_kubeconfig
from components.cluster.settings import ClusterSettings, NodeSize
from components.common import child_of
from components.naming import AKS_CLUSTER, fit

MACHINES = {
    NodeSize.SMALL: "Standard_D2s_v5",
    NodeSize.MEDIUM: "Standard_D4s_v5",
    NodeSize.LARGE: "Standard_D8s_v5",
}
CONTROL_PLANE_LOGS = (
    "kube-apiserver",
    "kube-audit-admin",
    "kube-controller-manager",
    "kube-scheduler",
    "cluster-autoscaler",
    "cloud-controller-manager",
    "guard",
)
POD_CIDR, SERVICE_CIDR, DNS_ADDRESS = "172.24.0.0/16", "172.20.0.0/16", "172.20.0.10"
SERVER_APPLICATION = "6dae42f8-4368-4678-94ff-3960e28e3630"
"""The Entra application id of all AKS API servers, the audience of tokens. Public."""


@dataclass(frozen=True, kw_only=True)
class AzureClusterArgs:
    """An AKS cluster in an existing network."""

    settings: ClusterSettings
    region: str
    zones: Sequence[str]
    subscription_id: str
    resource_group_name: pulumi.Input[str]
    subnet_id: pulumi.Input[str]
    """Subnet of the nodes; its only egress is a NAT gateway."""
    control_plane_subnet_id: pulumi.Input[str]
    """Subnet delegated to Microsoft.ContainerService/managedClusters, in which the API server gets its address."""
    vault_id: pulumi.Input[str]
    """Key Vault of the customer-managed key, closed to the internet."""
    key_id: pulumi.Input[str]
    """The key that encrypts Kubernetes secrets, with its version; a new version takes effect with the next `up`."""
    workspace_id: pulumi.Input[str]
    """Log Analytics workspace for control-plane logs and Defender findings."""
    tags: Mapping[str, str]
    admin_group_ids: Sequence[str] = ()
    """Entra groups with all rights; others need an Azure role on the cluster."""


class AzureCluster(pulumi.ComponentResource):
    """AKS without local accounts, with encrypted secrets, complete logs and enforced network policies."""

    name: pulumi.Output[str]
    kubeconfig: pulumi.Output[str]
    oidc_issuer: pulumi.Output[str]
    provider: kubernetes.Provider
    dns_cidrs: Sequence[str] = ()

    def __init__(self, name: str, args: AzureClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("livingfortress:cluster:AzureCluster", name, None, opts)
        child = child_of(self, opts)
        identity = AzureClusterIdentity(
            f"{name}-identity",
            AzureClusterIdentityArgs(
                region=args.region,
                subscription_id=args.subscription_id,
                resource_group_name=args.resource_group_name,
                subnet_ids={"nodes": args.subnet_id, "control-plane": args.control_plane_subnet_id},
                vault_id=args.vault_id,
                tags=args.tags,
            ),
            child,
        )
        cluster = containerservice.ManagedCluster(
            name,
            **build_cluster_inputs(name, args, identity.id),
            opts=child_of(self, child, after=[identity], ignore_changes=["agentPoolProfiles[0].count"]),
        )
        containerservice.AgentPool(
            f"{name}-work",
            agent_pool_name="work",
            resource_name_=cluster.name,
            resource_group_name=args.resource_group_name,
            **_build_pool(args, mode="User", minimum=args.settings.min_nodes, maximum=args.settings.max_nodes),
            # Owned by the autoscaler from the start.
            opts=child_of(self, child, ignore_changes=["count"]),
        )
        monitor.DiagnosticSetting(
            name,
            name="control-plane",
            resource_uri=cluster.id,
            workspace_id=args.workspace_id,
            log_analytics_destination_type="Dedicated",
            logs=[{"category": category, "enabled": True} for category in CONTROL_PLANE_LOGS],
            opts=child,
        )
        self.name = cluster.name
        self.oidc_issuer = cluster.oidc_issuer_profile.apply(lambda profile: str(profile.issuer_url))
        self.kubeconfig = _read_admin_kubeconfig(cluster, args.resource_group_name, child)
        self.provider = kubernetes.Provider(name, kubeconfig=self.kubeconfig, opts=child)
        self.register_outputs({"name": self.name, "oidc_issuer": self.oidc_issuer, "kubeconfig": self.kubeconfig})


def build_cluster_inputs(name: str, args: AzureClusterArgs, identity_id: pulumi.Input[str]) -> dict[str, Any]:
    """Return all inputs of the managed cluster."""
    settings = args.settings
    system = _build_pool(args, mode="System", minimum=min(3, settings.min_nodes), maximum=3)
    return {
        "resource_name_": fit(AKS_CLUSTER, name),
        "resource_group_name": args.resource_group_name,
        "location": args.region,
        "dns_prefix": fit(AKS_CLUSTER, name),
        "kubernetes_version": settings.version,
        "sku": {"name": "Base", "tier": "Standard"},  # Standard: an uptime that Azure answers for
        "identity": {"type": "UserAssigned", "user_assigned_identities": [identity_id]},
        "agent_pool_profiles": [
            # Only system pods run here, so the app cannot starve them.
            {"name": "system", "node_taints": ["CriticalAddonsOnly=true:NoSchedule"], **system}
        ],
        "enable_rbac": True,
        "disable_local_accounts": True,
        "aad_profile": {
            "managed": True,
            "enable_azure_rbac": True,
            "admin_group_object_ids": list(args.admin_group_ids),
        },
        "api_server_access_profile": _access(args),
        "network_profile": {
            "network_plugin": "azure",
            "network_plugin_mode": "overlay",
            "network_dataplane": "cilium",
            "network_policy": "cilium",
            "outbound_type": "userAssignedNATGateway",
            "load_balancer_sku": "standard",
            "pod_cidr": POD_CIDR,
            "service_cidr": SERVICE_CIDR,
            "dns_service_ip": DNS_ADDRESS,
        },
        "oidc_issuer_profile": {"enabled": True},
        "security_profile": {
            "workload_identity": {"enabled": True},
            "image_cleaner": {"enabled": True, "interval_hours": 168},
            "defender": {
                "log_analytics_workspace_resource_id": args.workspace_id,
                "security_monitoring": {"enabled": True},
            },
            "azure_key_vault_kms": {
                "enabled": True,
                "key_id": args.key_id,
                "key_vault_network_access": "Private",
                "key_vault_resource_id": args.vault_id,
            },
        },
        "auto_upgrade_profile": {"upgrade_channel": "patch", "node_os_upgrade_channel": "NodeImage"},
        "auto_scaler_profile": {"balance_similar_node_groups": "true", "expander": "least-waste"},
        "tags": args.tags,
    }


def _access(args: AzureClusterArgs) -> dict[str, Any]:
    settings = args.settings
    return {
        "enable_vnet_integration": True,  # the vault is closed, and only an API server in the network reaches it
        "subnet_id": args.control_plane_subnet_id,
        "enable_private_cluster": settings.is_private,
        "authorized_ip_ranges": None if settings.is_private else list(settings.allowed_cidrs),
        "private_dns_zone": "system" if settings.is_private else None,
        "disable_run_command": True,
    }


def _build_pool(args: AzureClusterArgs, *, mode: str, minimum: int, maximum: int) -> dict[str, Any]:
    return {
        "mode": mode,
        "type": "VirtualMachineScaleSets",
        "vm_size": MACHINES[args.settings.size],
        "os_type": "Linux",
        "os_sku": "AzureLinux",
        "orchestrator_version": args.settings.version,
        "availability_zones": list(args.zones),
        "vnet_subnet_id": args.subnet_id,
        "enable_auto_scaling": True,
        "count": minimum,
        "min_count": minimum,
        "max_count": maximum,
        "enable_encryption_at_host": True,
        "enable_node_public_ip": False,
        "upgrade_settings": {"max_surge": "33%"},
        "tags": args.tags,
    }


def _read_admin_kubeconfig(
    cluster: containerservice.ManagedCluster, resource_group_name: pulumi.Input[str], opts: pulumi.ResourceOptions
) -> pulumi.Output[str]:
    """Return a kubeconfig with token login; Azure gives address and CA certificate only in a complete kubeconfig."""
    answer = containerservice.list_managed_cluster_user_credentials_output(
        resource_group_name=resource_group_name,
        resource_name=cluster.name,
        format="exec",
        opts=pulumi.InvokeOutputOptions(parent=opts.parent, depends_on=[cluster]),
    )
    return pulumi.Output.all(cluster.name, answer.kubeconfigs).apply(lambda known: read_kubeconfig(*known))


def read_kubeconfig(name: str, kubeconfigs: Sequence[Mapping[str, str]]) -> str:
    """Return our kubeconfig, from the first one in Azure's answer (YAML in base64)."""
    given = yaml.safe_load(base64.b64decode(kubeconfigs[0]["value"]))["clusters"][0]["cluster"]
    arguments = ["get-token", "--login", "azurecli", "--server-id", SERVER_APPLICATION]
    return make_kubeconfig(name, given["server"], given[CERTIFICATE], "kubelogin", arguments)
