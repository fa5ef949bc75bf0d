"""The app's namespace in a cluster, its service accounts, and the read-only role for people."""

from __future__ import annotations

import pulumi
from pulumi_kubernetes import core, rbac

from components.app_deployment.settings import AppDeploymentArgs
from components.common import child_of
from components.identity.workloads import WORKLOADS
from components.manifests import restricted

VIEWER = "living-fortress-viewer"


class AppAccess(pulumi.ComponentResource):
    """A namespace under the restricted Pod Security profile, with service accounts that have no cluster rights."""

    namespace: core.v1.Namespace
    accounts: list[core.v1.ServiceAccount]

    def __init__(self, name: str, args: AppDeploymentArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("livingfortress:app_deployment:AppAccess", name, None, opts)
        self.namespace = core.v1.Namespace(
            name,
            metadata={"name": args.namespace, "labels": {**args.labels, **restricted()}},
            opts=child_of(self, opts),
        )
        inside = child_of(self, opts, after=[self.namespace])
        self.accounts = [
            core.v1.ServiceAccount(
                f"{name}-{workload}",
                metadata={
                    "name": workload,
                    "namespace": args.namespace,
                    "labels": args.labels,
                    "annotations": args.logins[workload].annotations,
                },
                automount_service_account_token=False,
                opts=inside,
            )
            for workload in WORKLOADS
        ]
        _grant_viewers(self, name, args, inside)
        self.register_outputs({"namespace": args.namespace})


def _grant_viewers(parent: pulumi.Resource, name: str, args: AppDeploymentArgs, opts: pulumi.ResourceOptions) -> None:
    metadata = {"name": VIEWER, "namespace": args.namespace, "labels": args.labels}
    role = rbac.v1.Role(
        f"{name}-viewer",
        metadata=metadata,
        rules=[
            {
                "apiGroups": [""],
                "resources": ["pods", "pods/log", "events", "services"],
                "verbs": ["get", "list", "watch"],
            },
            {"apiGroups": ["apps"], "resources": ["deployments", "replicasets"], "verbs": ["get", "list", "watch"]},
            {"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["get", "list", "watch"]},
        ],
        opts=opts,
    )
    rbac.v1.RoleBinding(
        f"{name}-viewer",
        metadata=metadata,
        role_ref={"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": VIEWER},
        subjects=[
            {"kind": "Group", "apiGroup": "rbac.authorization.k8s.io", "name": group} for group in args.viewer_groups
        ],
        opts=child_of(parent, opts, after=[role]),
    )
