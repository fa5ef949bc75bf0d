"""Google Cloud in an environment: provider, services, identities, network, key, and what runs there."""

from __future__ import annotations

import pulumi
import pulumi_gcp as gcp

from components.addons.bindings import AddonBindings
from components.addons.gcp import GcpAddonAccess, GcpAddonAccessArgs
from components.cluster.gcp import GcpCluster, GcpClusterArgs
from components.cluster.settings import ClusterSettings
from components.database.gcp import GcpHome
from components.foundation.gcp import GcpFoundation, GcpFoundationArgs
from components.identity.gcp import GcpIdentities, GcpIdentitiesArgs
from components.identity.workloads import LEDGER, MIGRATOR
from components.interconnect import GcpSite
from components.keys.gcp import GcpKey, GcpKeyArgs
from components.network.gcp import GcpNetwork, GcpNetworkArgs
from components.network.plan import plan_gcp
from stacks.environment import Environment
from stacks.landing_zones.landing_zone import Cluster


class GcpLandingZone:
    """Google Cloud in one environment."""

    def __init__(self, environment: Environment) -> None:
        self._environment, self._region = environment, environment.regions.gcp
        self._project = environment.accounts.gcp
        self.name = f"{environment.name}-gcp"
        self.provider = gcp.Provider(self.name, project=self._project, region=self._region.region)
        self.database_cidrs = (plan_gcp(self._region.cidr).database,)
        foundation = GcpFoundation(self.name, self._foundation_args(), pulumi.ResourceOptions(provider=self.provider))
        self.options = pulumi.ResourceOptions(provider=self.provider, depends_on=[foundation])
        self.identities = GcpIdentities(self.name, GcpIdentitiesArgs(project=self._project), self.options)
        self._key = GcpKey(self.name, self._key_args(), self.options)
        self._network = GcpNetwork(self.name, self._network_args(), self.options)

    def databases(self) -> GcpHome:
        """Return Google's network for Cloud SQL, peered with ours."""
        return GcpHome(
            region=self._region.region,
            project=self._project,
            network_id=self._network.network_id,
            address_range_name=self._network.database_range_name,
            key_id=self._key.key_id,
            app_service_account=self.identities.emails[LEDGER],
            admin_service_account=self.identities.emails[MIGRATOR],
            after=(self._network.service_connection,),
        )

    def cluster(self, settings: ClusterSettings) -> GcpCluster:
        """Create GKE in the private subnet."""
        args = GcpClusterArgs(
            settings=settings,
            project=self._project,
            region=self._region.region,
            zones=self._region.zones,
            network_id=self._network.network_id,
            subnet_id=self._network.cluster_subnet_id,
            pods_range_name=self._network.pods_range_name,
            services_range_name=self._network.services_range_name,
            control_plane_cidr=self._network.control_plane_cidr,
            key_id=self._key.key_id,
            tags=self._environment.tags,
        )
        return GcpCluster(self.name, args, self.options)

    def addon_bindings(self, cluster: Cluster, domain: str) -> AddonBindings:
        """Return the service accounts of the add-ons, bound by workload identity."""
        args = GcpAddonAccessArgs(
            cluster_name=cluster.name,
            project=self._project,
            domain=domain,
            secret_prefix=self._environment.name,
            tags=self._environment.tags,
        )
        return GcpAddonAccess(self.name, args, self.options).bindings

    def mesh_site(self) -> GcpSite:
        """Return the end of the mesh in this cloud."""
        return GcpSite(
            project=self._project,
            region=self._region.region,
            network_id=self._network.network_id,
            cidr=self._network.cidr,
            tags=self._environment.tags,
        )

    def _foundation_args(self) -> GcpFoundationArgs:
        return GcpFoundationArgs(project=self._project, region=self._region.region, keep_logs=self._environment.protect)

    def _key_args(self) -> GcpKeyArgs:
        return GcpKeyArgs(
            purpose="ledger",
            encrypts=("databases", "kubernetes"),
            project=self._project,
            region=self._region.region,
            tags=self._environment.tags,
            services=("sqladmin.googleapis.com", "container.googleapis.com"),
            protect=self._environment.protect,
        )

    def _network_args(self) -> GcpNetworkArgs:
        return GcpNetworkArgs(
            project=self._project,
            region=self._region.region,
            zones=self._region.zones,
            cidr=self._region.cidr,
            tags=self._environment.tags,
            peers=self._environment.peers("gcp"),
        )
