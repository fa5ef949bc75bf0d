"""Federation: the workloads of every cluster log in to every cloud by token."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from components.common import Cloud
from components.database.endpoint import Endpoint
from components.identity.aws import AwsDatabaseAccess, AwsFederation, AwsFederationArgs
from components.identity.azure import AzureFederation, AzureFederationArgs
from components.identity.gcp import GcpFederation, GcpFederationArgs
from components.identity.workloads import WORKLOADS, ClusterIssuer, Workload, WorkloadLogins, select_logins
from components.naming import GCP_POOL, fit
from stacks.environment import Environment
from stacks.erasure_log import ErasureLog
from stacks.landing_zones import AwsLandingZone, AzureLandingZone, Cluster, GcpLandingZone, LandingZone
from stacks.master_key import MasterKey

LoginsOf = Callable[[Cloud], Mapping[Workload, WorkloadLogins]]


def federate(
    environment: Environment,
    landing_zones: Mapping[Cloud, LandingZone],
    clusters: Mapping[Cloud, Cluster],
    endpoints: Mapping[str, Endpoint],
    master_key: MasterKey,
    erasure_log: ErasureLog,
) -> LoginsOf:
    """Make each cloud trust all clusters; return a function from a cloud to the logins of its cluster's pods."""
    issuers = [ClusterIssuer(home=cloud, issuer=cluster.oidc_issuer) for cloud, cluster in clusters.items()]
    aws = azure = gcp = None
    for cloud, zone in landing_zones.items():
        name = f"{environment.name}-{cloud}-federation"
        match zone:
            case AwsLandingZone():
                trusts = _aws_args(zone, issuers, endpoints, master_key, erasure_log, environment)
                aws = AwsFederation(name, trusts, zone.options)
            case AzureLandingZone():
                AzureFederation(name, AzureFederationArgs(identities=zone.identities, clusters=issuers), zone.options)
                azure = zone.identities
            case GcpLandingZone():
                pool = fit(GCP_POOL, environment.name)
                args = GcpFederationArgs(identities=zone.identities, pool_id=pool, clusters=issuers)
                gcp = GcpFederation(name, args, zone.options)

    def logins_of(home: Cloud) -> dict[Workload, WorkloadLogins]:
        return {
            workload: select_logins(
                workload,
                home,
                aws=aws.logins if aws else None,
                azure=azure.logins if azure else None,
                gcp=gcp.logins(home) if gcp else None,
            )
            for workload in WORKLOADS
        }

    return logins_of


def _aws_args(
    zone: AwsLandingZone,
    issuers: Sequence[ClusterIssuer],
    endpoints: Mapping[str, Endpoint],
    master_key: MasterKey,
    erasure_log: ErasureLog,
    environment: Environment,
) -> AwsFederationArgs:
    databases = [
        AwsDatabaseAccess(
            name=name,
            arn=endpoint.arn,
            resource_id=endpoint.resource_id,
            master_secret_arn=endpoint.admin.secret,
            replica_resource_ids=[
                replica.resource_id for replica in endpoint.replicas if replica.resource_id is not None
            ],
        )
        for name, endpoint in endpoints.items()
        if endpoint.arn is not None and endpoint.resource_id is not None and endpoint.admin.secret is not None
    ]
    return AwsFederationArgs(
        clusters=issuers,
        databases=databases,
        secret_key_arn=zone.secret_key_arn,
        person_key_arn=master_key.aws_arn,
        erasures=erasure_log.aws,
        tags=environment.tags,
    )
