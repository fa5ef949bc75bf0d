"""What the pods read: the shard directory, where to find cloud logins, and secrets by reference."""

from __future__ import annotations

import pulumi
from pulumi_kubernetes import apiextensions, core

from components.app_deployment.pods import DIRECTORY_CONFIG_MAP, GCP_FILE, SECRETS, gcp_config_map
from components.app_deployment.settings import AppDeploymentArgs, SecretReference
from components.children import child_of
from components.identity.workloads import WORKLOADS


class AppConfiguration(pulumi.ComponentResource):
    """ConfigMaps of the app, and an ExternalSecret where it is given secrets. No secret value passes through Pulumi."""

    parts: list[pulumi.Resource]

    def __init__(self, name: str, args: AppDeploymentArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("livingfortress:app_deployment:AppConfiguration", name, None, opts)
        child = child_of(self, opts)
        contents = {DIRECTORY_CONFIG_MAP: {"directory.json": args.directory}}
        for workload in WORKLOADS:
            gcp = args.logins[workload].gcp
            if gcp and gcp.credential_configuration is not None:
                contents[gcp_config_map(workload)] = {GCP_FILE: gcp.credential_configuration}
        self.parts = [
            core.v1.ConfigMap(
                f"{name}-{config_map}",
                metadata={"name": config_map, "namespace": args.namespace, "labels": args.labels},
                data=data,
                opts=child,
            )
            for config_map, data in contents.items()
        ]
        if args.secrets:
            self.parts.append(self._secrets(name, args, child))
        self.register_outputs({"directory": DIRECTORY_CONFIG_MAP})

    def _secrets(
        self, name: str, args: AppDeploymentArgs, child: pulumi.ResourceOptions
    ) -> apiextensions.CustomResource:
        return apiextensions.CustomResource(
            f"{name}-{SECRETS}",
            api_version="external-secrets.io/v1",
            kind="ExternalSecret",
            metadata={"name": SECRETS, "namespace": args.namespace, "labels": args.labels},
            spec={
                "refreshInterval": "1h",
                "secretStoreRef": {"kind": "ClusterSecretStore", "name": args.secret_store},
                "target": {"name": SECRETS, "creationPolicy": "Owner"},
                "data": [_reference(one) for one in args.secrets],
            },
            opts=child,
        )


def _reference(secret: SecretReference) -> dict[str, object]:
    field = {"property": secret.property} if secret.property else {}
    return {"secretKey": secret.variable, "remoteRef": {"key": secret.remote_key, **field}}
