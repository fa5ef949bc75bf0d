"""Identity and roles of an AKS control plane."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_azure_native import authorization, managedidentity

from components.common import child_of
from components.naming import AZURE_IDENTITY, fit

# Azure built-in roles
NETWORK_CONTRIBUTOR = "4d97b98b-1d4f-4787-a291-c67834d212e7"
KEY_VAULT_CRYPTO_USER = "12338af0-0e69-4776-bea7-57ae8d297424"
KEY_VAULT_CONTRIBUTOR = "f25e0fa2-a7c8-4377-a976-54943a77a395"


@dataclass(frozen=True, kw_only=True)
class AzureClusterIdentityArgs:
    region: str
    subscription_id: str
    resource_group_name: pulumi.Input[str]
    subnet_ids: Mapping[str, pulumi.Input[str]]
    """Subnets for nodes, load balancers and the API server, by purpose."""
    vault_id: pulumi.Input[str]
    """Vault whose key encrypts secrets, reached over a private link that AKS creates."""
    tags: Mapping[str, str]


class AzureClusterIdentity(pulumi.ComponentResource):
    """The control plane's identity with its roles; the cluster waits for all of them."""

    id: pulumi.Output[str]

    def __init__(self, name: str, args: AzureClusterIdentityArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("livingfortress:cluster:AzureClusterIdentity", name, None, opts)
        self._base, self._child = name, child_of(self, opts)
        self._subscription = f"/subscriptions/{args.subscription_id}"
        identity = managedidentity.UserAssignedIdentity(
            name,
            resource_name_=fit(AZURE_IDENTITY, name),
            resource_group_name=args.resource_group_name,
            location=args.region,
            tags=args.tags,
            opts=self._child,
        )
        for purpose, subnet_id in args.subnet_ids.items():
            self._grant(purpose, NETWORK_CONTRIBUTOR, subnet_id, identity)
        self._grant("key", KEY_VAULT_CRYPTO_USER, args.vault_id, identity)
        self._grant("vault-link", KEY_VAULT_CONTRIBUTOR, args.vault_id, identity)
        self.id = identity.id
        self.register_outputs({"id": identity.id, "principal_id": identity.principal_id})

    def _grant(
        self, purpose: str, role: str, scope: pulumi.Input[str], identity: managedidentity.UserAssignedIdentity
    ) -> None:
        authorization.RoleAssignment(
            f"{self._base}-{purpose}",
            # Azure needs a GUID; a fixed one lets a repeated run find the same assignment.
            role_assignment_name=str(uuid.uuid5(uuid.NAMESPACE_URL, f"{self._subscription}/{self._base}/{purpose}")),
            principal_id=identity.principal_id,
            principal_type="ServicePrincipal",
            role_definition_id=f"{self._subscription}/providers/Microsoft.Authorization/roleDefinitions/{role}",
            scope=scope,
            opts=self._child,
        )
