"""Entra identities of the workloads, and their trust in the service account tokens of every cluster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
from pulumi_azure_native import managedidentity

from components.common import child_of
from components.identity.workloads import (
    AZURE_AUDIENCE,
    NAMESPACE,
    WORKLOADS,
    AzureLogin,
    ClusterIssuer,
    Workload,
    subject,
)
from components.naming import AZURE_IDENTITY, fit


@dataclass(frozen=True, kw_only=True)
class AzureIdentitiesArgs:
    """Where the identities live."""

    resource_group_name: pulumi.Input[str]
    location: str
    tags: Mapping[str, str]


class AzureIdentities(pulumi.ComponentResource):
    """One user-assigned identity per workload. Databases name them before any cluster exists."""

    logins: Mapping[Workload, AzureLogin]
    principal_ids: Mapping[Workload, pulumi.Output[str]]
    """Entra object ids: the migrator's is the database administrator, the ledger's gets its role from the Job."""
    resource_names: Mapping[Workload, pulumi.Output[str]]
    resource_group_name: pulumi.Output[str]

    def __init__(self, name: str, args: AzureIdentitiesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("livingfortress:identity:AzureIdentities", name, None, opts)
        child = child_of(self, opts)
        identities = {
            workload: managedidentity.UserAssignedIdentity(
                f"{name}-{workload}",
                resource_name_=fit(AZURE_IDENTITY, name, workload),
                resource_group_name=args.resource_group_name,
                location=args.location,
                tags=args.tags,
                opts=child,
            )
            for workload in WORKLOADS
        }
        self.resource_group_name = pulumi.Output.from_input(args.resource_group_name)
        self.resource_names = {workload: identity.name for workload, identity in identities.items()}
        self.principal_ids = {workload: identity.principal_id for workload, identity in identities.items()}
        self.logins = {
            workload: AzureLogin(client_id=identity.client_id, tenant_id=identity.tenant_id)
            for workload, identity in identities.items()
        }
        self.register_outputs(
            {f"{workload}_principal_id": identity.principal_id for workload, identity in identities.items()}
        )


@dataclass(frozen=True, kw_only=True)
class AzureFederationArgs:
    """Clusters whose tokens the identities accept."""

    identities: AzureIdentities
    clusters: Sequence[ClusterIssuer]
    namespace: str = NAMESPACE


class AzureFederation(pulumi.ComponentResource):
    """A federated credential for each workload in each cluster."""

    def __init__(self, name: str, args: AzureFederationArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("livingfortress:identity:AzureFederation", name, None, opts)
        self._child = child_of(self, opts)
        for workload in WORKLOADS:
            self._trust(name, workload, args)
        self.register_outputs({})

    def _trust(self, name: str, workload: Workload, args: AzureFederationArgs) -> None:
        previous: list[pulumi.Resource] = []
        for cluster in args.clusters:
            # Azure refuses concurrent writes to the credentials of one identity (409), so they run one by identity.
            credential = managedidentity.FederatedIdentityCredential(
                f"{name}-{workload}-{cluster.home}",
                federated_identity_credential_resource_name=f"{workload}-in-{cluster.home}",
                resource_group_name=args.identities.resource_group_name,
                resource_name_=args.identities.resource_names[workload],
                issuer=cluster.issuer,
                subject=subject(workload, args.namespace),
                audiences=[AZURE_AUDIENCE],
                opts=child_of(self, self._child, after=previous),
            )
            previous = [credential]
