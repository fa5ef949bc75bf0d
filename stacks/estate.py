"""The estate of an environment: all its components and their dependencies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi

from components.addons.addons import Addons, AddonsArgs
from components.app_deployment import AppDeploymentArgs, Entry, Oidc, Resources
from components.app_deployment.deployment import AppDeployment
from components.cluster.settings import ClusterSettings, NodeSize
from components.common import Cloud
from components.database.settings import PostgresSettings, Tier
from components.database.shards import ShardCluster, ShardClusterArgs, plan_shards
from components.identity.workloads import Workload, WorkloadLogins
from components.interconnect import Mesh, MeshArgs
from stacks.connections import ConnectionPlan, get_replicas
from stacks.environment import Environment
from stacks.erasure_log import create_erasure_log
from stacks.federation import federate
from stacks.landing_zones import LANDING_ZONES, Cluster, LandingZone
from stacks.master_key import MasterKey, create_master_key


@dataclass(frozen=True)
class Estate:
    """Everything that an environment deploys."""

    landing_zones: Mapping[Cloud, LandingZone]
    shards: ShardCluster
    clusters: Mapping[Cloud, Cluster]
    apps: Mapping[Cloud, AppDeployment]

    def outputs(self) -> dict[str, Any]:
        """Return the stack outputs; none is secret."""
        return {
            "urls": {cloud: app.urls for cloud, app in self.apps.items()},
            "directory": self.shards.directory,
            "kubeconfigs": {cloud: cluster.kubeconfig for cloud, cluster in self.clusters.items()},
        }


def build(environment: Environment, connections: ConnectionPlan) -> Estate:
    """Build networks and keys first, then databases and clusters, then the app, which needs all of them."""
    zones = {cloud: LANDING_ZONES[cloud](environment) for cloud in environment.clouds}
    mesh = _join(environment, zones)
    shards = ShardCluster(
        environment.name,
        ShardClusterArgs(
            homes={cloud: zone.databases() for cloud, zone in zones.items()},
            shards=plan_shards(environment.clouds, environment.shards_per_home),
            settings=_make_postgres_settings(environment, connections),
            tags=environment.tags,
        ),
        _use_all_providers(zones),
    )
    clusters = {cloud: zone.cluster(_make_cluster_settings(environment)) for cloud, zone in zones.items()}
    erasure_log = create_erasure_log(environment, zones)
    master_key = create_master_key(environment, zones, erasure_log.address)
    logins_of = federate(environment, zones, clusters, shards.endpoints, master_key, erasure_log)
    apps = {
        cloud: _deploy_app(
            environment, cloud, zones, clusters[cloud], shards, logins_of(cloud), master_key, mesh, connections
        )
        for cloud in environment.clouds
    }
    return Estate(zones, shards, clusters, apps)


def _use_all_providers(zones: Mapping[Cloud, LandingZone]) -> pulumi.ResourceOptions:
    return pulumi.ResourceOptions(providers=[zone.provider for zone in zones.values()])


def _join(environment: Environment, zones: Mapping[Cloud, LandingZone]) -> list[pulumi.Resource]:
    """Join the networks of several clouds; one cloud needs no mesh."""
    if len(zones) == 1:
        return []
    sites: dict[str, Any] = {cloud: zone.mesh_site() for cloud, zone in zones.items()}
    return [Mesh(f"{environment.name}-mesh", MeshArgs(**sites), _use_all_providers(zones))]


def _deploy_app(
    environment: Environment,
    cloud: Cloud,
    zones: Mapping[Cloud, LandingZone],
    cluster: Cluster,
    shards: ShardCluster,
    logins: Mapping[Workload, WorkloadLogins],
    master_key: MasterKey,
    mesh: list[pulumi.Resource],
    connections: ConnectionPlan,
) -> AppDeployment:
    """Deploy add-ons and app of one cluster; the app connects to every home, so it comes after the mesh."""
    domain, settings = f"{cloud}.{environment.app.domain}", environment.app
    options = pulumi.ResourceOptions(providers=[cluster.provider])
    addons = Addons(
        f"{environment.name}-{cloud}-addons",
        AddonsArgs(
            bindings=zones[cloud].addon_bindings(cluster, domain),
            domain=domain,
            owner=f"{environment.name}-{cloud}",
            labels=environment.tags,
            exposure=settings.exposure,
            dns_cidrs=cluster.dns_cidrs,
        ),
        options,
    )
    return AppDeployment(
        f"{environment.name}-{cloud}-ledger",
        AppDeploymentArgs(
            cloud=cloud,
            environment=environment.name,
            image=settings.image,
            directory=shards.directory,
            database_cidrs=[cidr for zone in zones.values() for cidr in zone.database_cidrs],
            oidc=Oidc(**environment.oidc.model_dump()),
            personal_data=master_key.personal_data,
            canary_secret=environment.canary_secret(cloud),
            entry=Entry(hostnames=[domain]),
            logins=logins,
            labels=environment.tags,
            dns_cidrs=cluster.dns_cidrs,
            replicas=get_replicas(settings),
            pool_size=settings.pool_size,
            processes=connections.processes,
            resources=Resources(cpu=settings.cpu, memory=settings.memory),
        ),
        pulumi.ResourceOptions(providers=[cluster.provider], depends_on=[addons, *mesh]),
    )


def _make_postgres_settings(environment: Environment, connections: ConnectionPlan) -> PostgresSettings:
    database = environment.database
    return PostgresSettings(
        tier=Tier(database.size),
        zone_redundant=database.zone_redundant,
        backup_retention_days=database.backup_retention_days,
        replicas=database.read_replicas,
        deletion_protection=environment.protect,
        protect=environment.protect,
        limits=connections.limits,
    )


def _make_cluster_settings(environment: Environment) -> ClusterSettings:
    cluster = environment.cluster
    return ClusterSettings(
        size=NodeSize(cluster.size),
        min_nodes=cluster.min_nodes,
        max_nodes=cluster.max_nodes,
        deletion_protection=environment.protect,
    )
