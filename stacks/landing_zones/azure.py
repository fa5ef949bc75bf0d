"""Azure in an environment: provider, resource group, identities, network, key, and what runs there."""

from __future__ import annotations

import pulumi
import pulumi_azure_native as azure_native

from components.addons.azure import AzureAddonAccess, AzureAddonAccessArgs
from components.addons.bindings import AddonBindings
from components.cluster.azure import AzureCluster, AzureClusterArgs
from components.cluster.settings import ClusterSettings
from components.database.azure import AzureHome
from components.foundation.azure import AzureFoundation, AzureFoundationArgs
from components.identity.azure import AzureIdentities, AzureIdentitiesArgs
from components.identity.workloads import LEDGER, MIGRATOR
from components.interconnect import AzureNames, AzureSite
from components.keys.azure import AzureKey, AzureKeyArgs
from components.network.azure import AzureNetwork, AzureNetworkArgs
from components.network.plan import plan_azure
from stacks.environment import Environment
from stacks.landing_zones.landing_zone import Cluster


class AzureLandingZone:
    """Azure in one environment."""

    def __init__(self, environment: Environment) -> None:
        self._environment, self._region = environment, environment.regions.azure
        self._account, tags = environment.accounts.azure, environment.tags
        self.name = f"{environment.name}-azure"
        self.provider = azure_native.Provider(
            self.name,
            location=self._region.region,
            subscription_id=self._account.subscription,
            tenant_id=self._account.tenant,
        )
        self.options = pulumi.ResourceOptions(provider=self.provider)
        self.database_cidrs = (plan_azure(self._region.cidr).database,)
        self._foundation = AzureFoundation(
            self.name,
            AzureFoundationArgs(
                region=self._region.region,
                subscription_id=self._account.subscription,
                tags=tags,
                protect=environment.protect,
            ),
            self.options,
        )
        self._group = self._foundation.resource_group_name
        self.identities = AzureIdentities(
            self.name,
            AzureIdentitiesArgs(resource_group_name=self._group, location=self._region.region, tags=tags),
            self.options,
        )
        self._key = AzureKey(self.name, self._key_args(), self.options)
        self._network = AzureNetwork(self.name, self._network_args(), self.options)

    def databases(self) -> AzureHome:
        """Return a subnet delegated to flexible servers, administered by the migrator's identity."""
        return AzureHome(
            region=self._region.region,
            resource_group_name=self._group,
            subnet_id=self._network.database_subnet_id,
            dns_zone_id=self._network.database_zone_id,
            key_uri=self._key.key_uri,
            key_identity_id=self._key.identity_id,
            tenant_id=self._account.tenant,
            app_principal_id=self.identities.principal_ids[LEDGER],
            admin_principal_id=self.identities.principal_ids[MIGRATOR],
            workspace_id=self._foundation.workspace_id,
            salt=self._account.subscription,
        )

    def cluster(self, settings: ClusterSettings) -> AzureCluster:
        """Create AKS in the private subnets."""
        args = AzureClusterArgs(
            settings=settings,
            region=self._region.region,
            zones=self._region.zones,
            subscription_id=self._account.subscription,
            resource_group_name=self._group,
            subnet_id=self._network.cluster_subnet_id,
            control_plane_subnet_id=self._network.control_plane_subnet_id,
            vault_id=self._key.vault_id,
            key_id=self._key.key_version_uri,
            workspace_id=self._foundation.workspace_id,
            tags=self._environment.tags,
        )
        return AzureCluster(self.name, args, self.options)

    def addon_bindings(self, cluster: Cluster, domain: str) -> AddonBindings:
        """Return the identities of the add-ons, federated with the cluster's issuer."""
        args = AzureAddonAccessArgs(
            oidc_issuer=cluster.oidc_issuer,
            region=self._region.region,
            subscription_id=self._account.subscription,
            tenant_id=self._account.tenant,
            resource_group_name=self._group,
            domain=domain,
            vault_id=self._key.vault_id,
            tags=self._environment.tags,
        )
        return AzureAddonAccess(self.name, args, self.options).bindings

    def mesh_site(self) -> AzureSite:
        """Return the end of the mesh in this cloud."""
        return AzureSite(
            region=self._region.region,
            resource_group_name=self._group,
            subscription_id=self._account.subscription,
            cidr=self._network.cidr,
            gateway_subnet_id=self._network.gateway_subnet_id,
            zones=self._region.zones,
            tags=self._environment.tags,
            names=AzureNames(
                region=self._region.region,
                resource_group_name=self._group,
                vnet_id=self._network.vnet_id,
                resolver_subnet_id=self._network.resolver_subnet_id,
                resolver_address=self._network.resolver_address,
                zone=self._network.database_zone_name,
            ),
        )

    def _key_args(self) -> AzureKeyArgs:
        return AzureKeyArgs(
            purpose="ledger",
            encrypts=("databases", "kubernetes"),
            region=self._region.region,
            resource_group_name=self._group,
            subscription_id=self._account.subscription,
            tenant_id=self._account.tenant,
            tags=self._environment.tags,
            salt=self._account.subscription,
            protect=self._environment.protect,
        )

    def _network_args(self) -> AzureNetworkArgs:
        return AzureNetworkArgs(
            region=self._region.region,
            resource_group_name=self._group,
            zones=self._region.zones,
            cidr=self._region.cidr,
            tags=self._environment.tags,
            peers=self._environment.peers("azure"),
        )
