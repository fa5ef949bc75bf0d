"""AWS in an environment: provider, key, network, and what runs there."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from components.addons.aws import AwsAddonAccess, AwsAddonAccessArgs
from components.addons.bindings import AddonBindings
from components.cluster.aws import AwsCluster, AwsClusterArgs
from components.cluster.settings import ClusterSettings
from components.database.aws import AwsHome
from components.interconnect import AwsSite
from components.keys.aws import AwsKey, AwsKeyArgs
from components.network.aws import AwsNetwork, AwsNetworkArgs
from components.network.plan import plan_aws
from stacks.environment import Environment
from stacks.landing_zones.landing_zone import Cluster


class AwsLandingZone:
    """AWS in one environment."""

    def __init__(self, environment: Environment) -> None:
        self._environment, self._region = environment, environment.regions.aws
        self.name = f"{environment.name}-aws"
        # A real plugin refuses credentials of any other account.
        self.provider = aws.Provider(
            self.name, region=self._region.region, allowed_account_ids=[environment.accounts.aws]
        )
        self.options = pulumi.ResourceOptions(provider=self.provider)
        self.database_cidrs = plan_aws(self._region.cidr).database
        self._key = AwsKey(self.name, self._key_args(), self.options)
        self._network = AwsNetwork(
            self.name,
            AwsNetworkArgs(
                region=self._region.region,
                zones=self._region.zones,
                cidr=self._region.cidr,
                tags=environment.tags,
                peers=environment.peers("aws"),
                log_key_arn=self._key.arn,
                keep_logs=environment.protect,
            ),
            self.options,
        )

    def databases(self) -> AwsHome:
        """Return isolated subnets, reachable only from the joined networks."""
        return AwsHome(
            region=self._region.region,
            subnet_ids=self._network.database_subnet_ids,
            security_group_id=self._network.database_security_group_id,
            key_arn=self._key.arn,
        )

    def cluster(self, settings: ClusterSettings) -> AwsCluster:
        """Create EKS in the private subnets."""
        args = AwsClusterArgs(
            settings=settings,
            region=self._region.region,
            subnet_ids=self._network.cluster_subnet_ids,
            key_arn=self._key.arn,
            log_key_arn=self._key.arn,
            tags=self._environment.tags,
        )
        return AwsCluster(self.name, args, self.options)

    def addon_bindings(self, cluster: Cluster, domain: str) -> AddonBindings:
        """Return the roles of the add-ons, bound by EKS Pod Identity."""
        args = AwsAddonAccessArgs(
            cluster_name=cluster.name,
            region=self._region.region,
            account_id=self._environment.accounts.aws,
            domain=domain,
            secret_prefix=self._environment.name,
            secret_key_arn=self._key.arn,
            tags=self._environment.tags,
            protect=self._environment.protect,
        )
        return AwsAddonAccess(self.name, args, self.options).bindings

    def mesh_site(self) -> AwsSite:
        """Return the end of the mesh in this cloud."""
        return AwsSite(
            vpc_id=self._network.vpc_id,
            cidr=self._network.cidr,
            subnet_ids=self._network.cluster_subnet_ids,
            route_table_ids=self._network.route_table_ids,
            tags=self._environment.tags,
            log_key_arn=self._key.arn,
            keep_logs=self._environment.protect,
        )

    @property
    def secret_key_arn(self) -> pulumi.Output[str]:
        """The key that encrypts the master credentials of the databases."""
        return self._key.arn

    def _key_args(self) -> AwsKeyArgs:
        region = self._region.region
        return AwsKeyArgs(
            purpose="ledger",
            encrypts=("databases", "kubernetes", "logs", "secrets"),
            account_id=self._environment.accounts.aws,
            tags=self._environment.tags,
            via_services=tuple(f"{service}.{region}.amazonaws.com" for service in ("rds", "secretsmanager")),
            log_regions=(region,),
            protect=self._environment.protect,
        )
