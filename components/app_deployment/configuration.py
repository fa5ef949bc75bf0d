"""What the pods read: the shard directory, cloud login files, and secrets by reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pulumi
from pulumi_kubernetes import apiextensions, core

from components.app_deployment.pods import (
    CANARY_FILE,
    CANARY_SECRET,
    DIRECTORY_CONFIG_MAP,
    GCP_FILE,
    SECRETS,
    name_gcp_config_map,
)
from components.app_deployment.settings import AppDeploymentArgs, SecretReference
from components.common import child_of
from components.identity.workloads import WORKLOADS


class AppConfiguration(pulumi.ComponentResource):
    """ConfigMaps of the app, and ExternalSecrets for its secrets. No secret value passes through Pulumi."""

    def __init__(self, name: str, args: AppDeploymentArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("livingfortress:app_deployment:AppConfiguration", name, None, opts)
        child = child_of(self, opts)
        contents = {DIRECTORY_CONFIG_MAP: {"directory.json": args.directory}}
        for workload in WORKLOADS:
            gcp = args.logins[workload].gcp
            if gcp and gcp.credential_configuration is not None:
                contents[name_gcp_config_map(workload)] = {GCP_FILE: gcp.credential_configuration}
        for config_map, data in contents.items():
            core.v1.ConfigMap(
                f"{name}-{config_map}",
                metadata={"name": config_map, "namespace": args.namespace, "labels": args.labels},
                data=data,
                opts=child,
            )
        if args.secrets:
            references = [_to_reference(secret) for secret in args.secrets]
            _create_external_secret(name, SECRETS, references, args, child)
        if args.canary_secret:
            key = {"secretKey": CANARY_FILE, "remoteRef": {"key": args.canary_secret}}
            _create_external_secret(name, CANARY_SECRET, [key], args, child)
        self.register_outputs({"directory": DIRECTORY_CONFIG_MAP})


def _create_external_secret(
    name: str,
    secret: str,
    data: Sequence[Mapping[str, object]],
    args: AppDeploymentArgs,
    child: pulumi.ResourceOptions,
) -> apiextensions.CustomResource:
    return apiextensions.CustomResource(
        f"{name}-{secret}",
        api_version="external-secrets.io/v1",
        kind="ExternalSecret",
        metadata={"name": secret, "namespace": args.namespace, "labels": args.labels},
        spec={
            "refreshInterval": "1h",
            "secretStoreRef": {"kind": "ClusterSecretStore", "name": args.secret_store},
            "target": {"name": secret, "creationPolicy": "Owner"},
            "data": data,
        },
        opts=child,
    )


def _to_reference(secret: SecretReference) -> dict[str, object]:
    field = {"property": secret.property} if secret.property else {}
    return {"secretKey": secret.variable, "remoteRef": {"key": secret.remote_key, **field}}
