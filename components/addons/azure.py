"""DNS zone, secret access and load balancers of an AKS cluster's add-ons, which authenticate by workload identity."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_azure_native import authorization, dns, managedidentity

from components.addons.bindings import DUTIES, AddonBindings, Duty
from components.common import child_of
from components.identity.workloads import AZURE_AUDIENCE
from components.naming import AZURE_IDENTITY, fit

# Azure built-in roles
DNS_ZONE_CONTRIBUTOR = "befefa01-2a29-4197-83a8-272ff33ce314"
KEY_VAULT_SECRETS_USER = "4633458b-17de-408a-b874-0445c86b69e6"


@dataclass(frozen=True, kw_only=True)
class AzureAddonAccessArgs:
    """What the add-ons of one AKS cluster may reach in Azure."""

    oidc_issuer: pulumi.Input[str]
    """Issuer of the cluster's service account tokens."""
    region: str
    subscription_id: str
    tenant_id: str
    resource_group_name: pulumi.Input[str]
    domain: str
    """The zone made for the cluster; its parent domain delegates to it."""
    vault_id: pulumi.Input[str]
    """Key Vault whose secrets may be read."""
    tags: Mapping[str, str]


class AzureAddonAccess(pulumi.ComponentResource):
    """A DNS zone, and one identity for each duty of the add-ons."""

    bindings: AddonBindings

    def __init__(self, name: str, args: AzureAddonAccessArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("livingfortress:addons:AzureAddonAccess", name, None, opts)
        self._base, self._args, self._child = name, args, child_of(self, opts)
        zone = dns.Zone(
            name,
            zone_name=args.domain,
            resource_group_name=args.resource_group_name,
            location="global",
            zone_type=dns.ZoneType.PUBLIC,
            tags=args.tags,
            opts=self._child,
        )
        # Add its DS record to the parent domain, beside the name servers.
        dns.DnssecConfig(name, zone_name=zone.name, resource_group_name=args.resource_group_name, opts=self._child)
        writer = self._create_identity("dns", DNS_ZONE_CONTRIBUTOR, zone.id)
        reader = self._create_identity("secrets", KEY_VAULT_SECRETS_USER, args.vault_id)
        clients = {"dns": writer.client_id, "secrets": reader.client_id}
        self.bindings = AddonBindings(
            external_dns=_configure_external_dns(args),
            dns_solver=_configure_solver(args, writer.client_id),
            secret_store=_configure_store(args),
            annotations={
                duty: {
                    "azure.workload.identity/client-id": clients[duty],
                    "azure.workload.identity/tenant-id": args.tenant_id,
                }
                for duty in DUTIES
            },
            pod_labels={"azure.workload.identity/use": "true"},
            load_balancer={
                "public": {},
                "internal": {"annotations": {"service.beta.kubernetes.io/azure-load-balancer-internal": "true"}},
            },
            brings_metrics=True,
            name_servers=zone.name_servers,
        )
        self.register_outputs({"zone_id": zone.id, "name_servers": zone.name_servers})

    def _create_identity(self, duty: Duty, role: str, scope: pulumi.Input[str]) -> managedidentity.UserAssignedIdentity:
        args = self._args
        label, subscription = f"{self._base}-{duty}", f"/subscriptions/{args.subscription_id}"
        identity = managedidentity.UserAssignedIdentity(
            label,
            resource_name_=fit(AZURE_IDENTITY, label),
            resource_group_name=args.resource_group_name,
            location=args.region,
            tags=args.tags,
            opts=self._child,
        )
        authorization.RoleAssignment(
            label,
            # Azure needs a GUID; a fixed one lets a repeated run find the same assignment.
            role_assignment_name=str(uuid.uuid5(uuid.NAMESPACE_URL, f"{subscription}/{label}")),
            principal_id=identity.principal_id,
            principal_type="ServicePrincipal",
            role_definition_id=f"{subscription}/providers/Microsoft.Authorization/roleDefinitions/{role}",
            scope=scope,
            opts=self._child,
        )
        previous: list[pulumi.Resource] = []
        for account in DUTIES[duty]:
            # Azure refuses concurrent writes to the credentials of one identity, so they run one by one.
            credential = managedidentity.FederatedIdentityCredential(
                f"{self._base}-{account.name}",
                federated_identity_credential_resource_name=account.name,
                resource_name_=identity.name,
                resource_group_name=args.resource_group_name,
                issuer=args.oidc_issuer,
                subject=account.subject,
                audiences=[AZURE_AUDIENCE],
                opts=child_of(self, self._child, after=previous),
            )
            previous = [credential]
        return identity


def _configure_external_dns(args: AzureAddonAccessArgs) -> dict[str, Any]:
    settings = pulumi.Output.from_input(args.resource_group_name).apply(
        lambda group: json.dumps(
            {
                "tenantId": args.tenant_id,
                "subscriptionId": args.subscription_id,
                "resourceGroup": group,
                "useWorkloadIdentityExtension": True,
            }
        )
    )
    # The chart calls this a secret configuration, but it holds no secret.
    return {
        "provider": {"name": "azure"},
        "secretConfiguration": {"enabled": True, "mountPath": "/etc/kubernetes/", "data": {"azure.json": settings}},
    }


def _configure_solver(args: AzureAddonAccessArgs, client_id: pulumi.Input[str]) -> dict[str, Any]:
    return {
        "azureDNS": {
            "environment": "AzurePublicCloud",
            "subscriptionID": args.subscription_id,
            "resourceGroupName": args.resource_group_name,
            "hostedZoneName": args.domain,
            "managedIdentity": {"clientID": client_id},
        }
    }


def _configure_store(args: AzureAddonAccessArgs) -> dict[str, Any]:
    vault = pulumi.Output.from_input(args.vault_id).apply(lambda known: known.rpartition("/")[2])
    [account] = DUTIES["secrets"]
    return {
        "azurekv": {
            "authType": "WorkloadIdentity",
            "tenantId": args.tenant_id,
            "vaultUrl": pulumi.Output.concat("https://", vault, ".vault.azure.net"),
            "serviceAccountRef": {"name": account.name, "namespace": account.namespace},
        }
    }
