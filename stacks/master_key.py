"""The master key, which wraps the subject keys: one per environment, kept by one cloud, used by the workloads only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi

from components.app_deployment import PersonalData
from components.common import Cloud
from components.identity.workloads import LEDGER, MIGRATOR
from components.keys.aws import AwsKey, AwsKeyArgs
from components.keys.gcp import GcpKey, GcpKeyArgs
from stacks.environment import Environment
from stacks.landing_zones import AwsLandingZone, GcpLandingZone, LandingZone

PURPOSE = "keys of persons"


@dataclass(frozen=True)
class MasterKey:
    """Address of the key, and its ARN if AWS keeps it."""

    personal_data: PersonalData
    aws_arn: pulumi.Output[str] | None = None
    """The workloads' roles must allow its use."""


def create_master_key(
    environment: Environment, zones: Mapping[Cloud, LandingZone], erasure_log: pulumi.Input[str]
) -> MasterKey:
    """Create the key where the settings say; separate from the databases' key, so each opens only its own data."""
    settings = environment.personal_data
    if settings.key_secret is not None:
        return MasterKey(PersonalData(key_secret=settings.key_secret, erasure_log=erasure_log))
    match zones[environment.key_keeper]:
        case AwsLandingZone() as zone:
            arn = AwsKey(f"{zone.name}-persons", _aws_args(environment), zone.options).arn
            where = pulumi.Output.concat("aws-kms:", arn)
            return MasterKey(PersonalData(master_key=where, erasure_log=erasure_log), arn)
        case GcpLandingZone() as zone:
            key = GcpKey(f"{zone.name}-persons", _gcp_args(environment, zone), zone.options)
            where = pulumi.Output.concat("gcp-kms:", key.key_id)
            return MasterKey(PersonalData(master_key=where, erasure_log=erasure_log))
        case other:
            raise AssertionError(f"{other.name} keeps no master key")


def _aws_args(environment: Environment) -> AwsKeyArgs:
    return AwsKeyArgs(
        purpose=PURPOSE,
        account_id=environment.accounts.aws,
        tags=environment.tags,
        protect=environment.protect,
    )


def _gcp_args(environment: Environment, zone: GcpLandingZone) -> GcpKeyArgs:
    return GcpKeyArgs(
        purpose=PURPOSE,
        project=environment.accounts.gcp,
        region=environment.regions.gcp.region,
        tags=environment.tags,
        services=(),
        users={workload: zone.identities.emails[workload] for workload in (LEDGER, MIGRATOR)},
        rotators=(MIGRATOR,),
        protect=environment.protect,
    )
