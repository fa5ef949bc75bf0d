"""A Kubernetes cluster on AWS: EKS Auto Mode, in which AWS manages nodes, network, disks and load balancers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi_aws import cloudwatch, eks, iam

from components.cluster.aws_nodes import AwsNodes, AwsNodesArgs
from components.cluster.kubeconfig import make_kubeconfig
from components.cluster.settings import VIEWERS, ClusterSettings
from components.common import child_of, make_iam_document, make_trust_document
from components.naming import EKS_CLUSTER, IAM_ROLE, fit

CONTROL_PLANE_LOGS = ("api", "audit", "authenticator", "controllerManager", "scheduler")
SERVICE_CIDR = "172.20.0.0/16"
DNS_CIDR = "172.20.0.10/32"
"""Auto Mode answers DNS on the node, at this service address, not from a pod."""
_POLICIES = "arn:aws:iam::aws:policy/"
_ACCESS_POLICIES = "arn:aws:eks::aws:cluster-access-policy/"
_CLUSTER_POLICIES = (
    "AmazonEKSClusterPolicy",
    "AmazonEKSComputePolicy",
    "AmazonEKSBlockStoragePolicy",
    "AmazonEKSLoadBalancingPolicy",
    "AmazonEKSNetworkingPolicy",
)
_NODE_POLICIES = ("AmazonEKSWorkerNodeMinimalPolicy", "AmazonEC2ContainerRegistryPullOnly")


@dataclass(frozen=True, kw_only=True)
class AwsClusterArgs:
    """An EKS cluster in an existing network."""

    settings: ClusterSettings
    region: str
    subnet_ids: Sequence[pulumi.Input[str]]
    """Private subnets, one per zone, for nodes, pods, and the API server's addresses."""
    key_arn: pulumi.Input[str]
    """The customer-managed key that encrypts Kubernetes secrets."""
    tags: Mapping[str, str]
    log_key_arn: pulumi.Input[str] | None = None
    """Key that encrypts the control-plane logs; its policy must let CloudWatch Logs use it."""
    admin_role_arns: Sequence[pulumi.Input[str]] = ()
    """Roles with all rights, besides the one that creates the cluster."""
    viewer_role_arns: Sequence[pulumi.Input[str]] = ()
    """Roles with read-only access to the app."""


class AwsCluster(pulumi.ComponentResource):
    """EKS with a private API server, encrypted secrets, complete logs and enforced network policies."""

    name: pulumi.Output[str]
    kubeconfig: pulumi.Output[str]
    oidc_issuer: pulumi.Output[str]
    provider: kubernetes.Provider
    dns_cidrs: Sequence[str] = (DNS_CIDR,)
    """DNS addresses for pods besides the pods of kube-dns."""

    def __init__(self, name: str, args: AwsClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("livingfortress:cluster:AwsCluster", name, None, opts)
        called, child = fit(EKS_CLUSTER, name), child_of(self, opts)
        roles = AwsClusterRoles(f"{name}-roles", args, child)
        logs = cloudwatch.LogGroup(
            name,
            # EKS logs to this name. If the group did not exist, EKS would create it without a retention.
            name=f"/aws/eks/{called}/cluster",
            retention_in_days=args.settings.log_retention_days,
            kms_key_id=args.log_key_arn,
            deletion_protection_enabled=args.settings.deletion_protection,
            tags=args.tags,
            opts=child,
        )
        cluster = self._create_cluster(called, args, roles, child_of(self, child, after=[roles, logs]))
        _grant_access(name, cluster.name, args, child)
        self.name = cluster.name
        self.oidc_issuer = cluster.identities.apply(lambda found: str(found[0].oidcs[0].issuer))
        self.kubeconfig = pulumi.Output.all(cluster.name, cluster.endpoint, cluster.certificate_authority.data).apply(
            lambda known: _make_kubeconfig(*known, region=args.region)
        )
        self.provider = kubernetes.Provider(name, kubeconfig=self.kubeconfig, opts=child)
        AwsNodes(
            f"{name}-nodes",
            AwsNodesArgs(
                settings=args.settings,
                role_name=roles.node_role.name,
                subnet_ids=args.subnet_ids,
                security_group_id=cluster.vpc_config.cluster_security_group_id,
                labels=args.tags,
            ),
            child_of(self, child, providers=[self.provider]),
        )
        self.register_outputs({"name": self.name, "oidc_issuer": self.oidc_issuer, "kubeconfig": self.kubeconfig})

    def _create_cluster(
        self, called: str, args: AwsClusterArgs, roles: AwsClusterRoles, opts: pulumi.ResourceOptions
    ) -> eks.Cluster:
        settings = args.settings
        return eks.Cluster(
            self.pulumi_resource_name,
            name=called,
            version=settings.version,
            role_arn=roles.cluster_role.arn,
            vpc_config={
                "subnet_ids": args.subnet_ids,
                "endpoint_private_access": True,
                "endpoint_public_access": not settings.is_private,
                "public_access_cidrs": list(settings.allowed_cidrs) or None,
            },
            encryption_config={"provider": {"key_arn": args.key_arn}, "resources": ["secrets"]},
            enabled_cluster_log_types=list(CONTROL_PLANE_LOGS),
            access_config={"authentication_mode": "API", "bootstrap_cluster_creator_admin_permissions": True},
            # Auto Mode needs these three together.
            compute_config={"enabled": True, "node_pools": ["system"], "node_role_arn": roles.node_role.arn},
            storage_config={"block_storage": {"enabled": True}},
            kubernetes_network_config={
                "elastic_load_balancing": {"enabled": True},
                "service_ipv4_cidr": SERVICE_CIDR,
            },
            bootstrap_self_managed_addons=False,
            # At the end of standard support AWS upgrades the version; extended support costs six times as much.
            upgrade_policy={"support_type": "STANDARD"},
            zonal_shift_config={"enabled": True},
            deletion_protection=settings.deletion_protection,
            tags=args.tags,
            opts=opts,
        )


class AwsClusterRoles(pulumi.ComponentResource):
    """IAM roles of the control plane and of the nodes."""

    cluster_role: iam.Role
    node_role: iam.Role

    def __init__(self, name: str, args: AwsClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("livingfortress:cluster:AwsClusterRoles", name, None, opts)
        self._base, self._args, self._child = name, args, child_of(self, opts)
        self.cluster_role = self._create_role("cluster", "eks.amazonaws.com", _CLUSTER_POLICIES)
        self.node_role = self._create_role("node", "ec2.amazonaws.com", _NODE_POLICIES)
        iam.RolePolicy(
            f"{name}-key",
            role=self.cluster_role.name,
            policy=pulumi.Output.from_input(args.key_arn).apply(_allow_key),
            opts=self._child,
        )
        self.register_outputs({"cluster_role_arn": self.cluster_role.arn, "node_role_arn": self.node_role.arn})

    def _create_role(self, purpose: str, service: str, policies: Sequence[str]) -> iam.Role:
        role = iam.Role(
            f"{self._base}-{purpose}",
            name=fit(IAM_ROLE, self._base, purpose),
            assume_role_policy=make_trust_document(service, ["sts:AssumeRole", "sts:TagSession"]),
            tags=self._args.tags,
            opts=self._child,
        )
        for policy in policies:
            iam.RolePolicyAttachment(
                f"{self._base}-{policy}",
                role=role.name,
                policy_arn=f"{_POLICIES}{policy}",
                opts=self._child,
            )
        return role


def _grant_access(name: str, cluster: pulumi.Input[str], args: AwsClusterArgs, opts: pulumi.ResourceOptions) -> None:
    for number, principal in enumerate(args.admin_role_arns):
        entry = eks.AccessEntry(
            f"{name}-admin-{number}", cluster_name=cluster, principal_arn=principal, tags=args.tags, opts=opts
        )
        eks.AccessPolicyAssociation(
            f"{name}-admin-{number}",
            cluster_name=cluster,
            principal_arn=entry.principal_arn,
            policy_arn=f"{_ACCESS_POLICIES}AmazonEKSClusterAdminPolicy",
            access_scope={"type": "cluster"},
            opts=opts,
        )
    for number, principal in enumerate(args.viewer_role_arns):
        eks.AccessEntry(
            f"{name}-viewer-{number}",
            cluster_name=cluster,
            principal_arn=principal,
            kubernetes_groups=[VIEWERS],
            tags=args.tags,
            opts=opts,
        )


def _make_kubeconfig(name: str, endpoint: str, authority: str, *, region: str) -> str:
    arguments = ["--region", region, "eks", "get-token", "--cluster-name", name, "--output", "json"]
    return make_kubeconfig(name, endpoint, authority, "aws", arguments)


def _allow_key(key_arn: str) -> str:
    actions = ["kms:Encrypt", "kms:Decrypt", "kms:DescribeKey", "kms:ListGrants"]
    return make_iam_document([{"Effect": "Allow", "Action": actions, "Resource": key_arn}])
