"""A Kubernetes cluster on AWS: EKS Auto Mode, in which AWS keeps nodes, network, disks and load balancers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi_aws import cloudwatch, eks, iam

from components.cluster.aws_nodes import AwsNodes, AwsNodesArgs
from components.cluster.kubeconfig import exec_kubeconfig
from components.cluster.settings import VIEWERS, ClusterSettings
from components.common import child_of
from components.naming import EKS_CLUSTER, IAM_ROLE, fit

CONTROL_PLANE_LOGS = ("api", "audit", "authenticator", "controllerManager", "scheduler")
SERVICE_CIDR = "172.20.0.0/16"
DNS_CIDR = "172.20.0.10/32"
"""Auto Mode answers DNS on the node itself, under this service address and from no pod."""
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
    """Private subnets, one a zone: for nodes, pods, and the API server's addresses."""
    key_arn: pulumi.Input[str]
    """The customer-managed key that encrypts Kubernetes secrets."""
    tags: Mapping[str, str]
    log_key_arn: pulumi.Input[str] | None = None
    """Key that encrypts the control-plane logs; its policy must let CloudWatch Logs use it."""
    admin_role_arns: Sequence[pulumi.Input[str]] = ()
    """Roles that may do everything, besides the one that makes the cluster."""
    viewer_role_arns: Sequence[pulumi.Input[str]] = ()
    """Roles of people who may look at the app and change nothing."""


class AwsCluster(pulumi.ComponentResource):
    """EKS with a private API server, encrypted secrets, complete logs and enforced network policies."""

    name: pulumi.Output[str]
    kubeconfig: pulumi.Output[str]
    oidc_issuer: pulumi.Output[str]
    provider: kubernetes.Provider
    dns_cidrs: Sequence[str] = (DNS_CIDR,)
    """Where pods reach DNS besides the pods of kube-dns."""

    def __init__(self, name: str, args: AwsClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("livingfortress:cluster:AwsCluster", name, None, opts)
        called, child = fit(EKS_CLUSTER, name), child_of(self, opts)
        roles = AwsClusterRoles(f"{name}-roles", args, child)
        logs = cloudwatch.LogGroup(
            name,
            # EKS writes to this name, and would make the group itself, kept for ever, were it not there first.
            name=f"/aws/eks/{called}/cluster",
            retention_in_days=args.settings.log_retention_days,
            kms_key_id=args.log_key_arn,
            deletion_protection_enabled=args.settings.deletion_protection,
            tags=args.tags,
            opts=child,
        )
        cluster = self._cluster(called, args, roles, child_of(self, child, after=[roles, logs]))
        _grant_access(name, cluster.name, args, child)
        self.name = cluster.name
        self.oidc_issuer = cluster.identities.apply(lambda found: str(found[0].oidcs[0].issuer))
        self.kubeconfig = pulumi.Output.all(cluster.name, cluster.endpoint, cluster.certificate_authority.data).apply(
            lambda known: _kubeconfig(*known, region=args.region)
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

    def _cluster(
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
            # Auto Mode takes these three together or not at all.
            compute_config={"enabled": True, "node_pools": ["system"], "node_role_arn": roles.node_role.arn},
            storage_config={"block_storage": {"enabled": True}},
            kubernetes_network_config={
                "elastic_load_balancing": {"enabled": True},
                "service_ipv4_cidr": SERVICE_CIDR,
            },
            bootstrap_self_managed_addons=False,
            # At the end of standard support the version is raised, not paid for at six times the price.
            upgrade_policy={"support_type": "STANDARD"},
            zonal_shift_config={"enabled": True},
            deletion_protection=settings.deletion_protection,
            tags=args.tags,
            opts=opts,
        )


class AwsClusterRoles(pulumi.ComponentResource):
    """What the control plane may do in the account, and the little that nodes may."""

    cluster_role: iam.Role
    node_role: iam.Role

    def __init__(self, name: str, args: AwsClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("livingfortress:cluster:AwsClusterRoles", name, None, opts)
        self._base, self._args, self._child = name, args, child_of(self, opts)
        self.cluster_role = self._role("cluster", "eks.amazonaws.com", _CLUSTER_POLICIES)
        self.node_role = self._role("node", "ec2.amazonaws.com", _NODE_POLICIES)
        iam.RolePolicy(
            f"{name}-key",
            role=self.cluster_role.name,
            policy=pulumi.Output.from_input(args.key_arn).apply(_key_policy),
            opts=self._child,
        )
        self.register_outputs({"cluster_role_arn": self.cluster_role.arn, "node_role_arn": self.node_role.arn})

    def _role(self, purpose: str, service: str, policies: Sequence[str]) -> iam.Role:
        role = iam.Role(
            f"{self._base}-{purpose}",
            name=fit(IAM_ROLE, self._base, purpose),
            assume_role_policy=_policy(Principal={"Service": service}, Action=["sts:AssumeRole", "sts:TagSession"]),
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


def _kubeconfig(name: str, endpoint: str, authority: str, *, region: str) -> str:
    arguments = ["--region", region, "eks", "get-token", "--cluster-name", name, "--output", "json"]
    return exec_kubeconfig(name, endpoint, authority, "aws", arguments)


def _key_policy(key_arn: str) -> str:
    return _policy(
        Action=["kms:Encrypt", "kms:Decrypt", "kms:DescribeKey", "kms:ListGrants"],
        Resource=key_arn,
    )


def _policy(**statement: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]})
