"""The erasure log: by default a bucket in the cloud that keeps the master key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi

from components.common import Cloud
from components.identity.aws import AwsErasureAccess
from components.identity.workloads import MIGRATOR
from components.personal_data import PREFIX
from components.personal_data.aws import AwsErasureLog, AwsErasureLogArgs
from components.personal_data.gcp import GcpErasureLog, GcpErasureLogArgs
from stacks.environment import BUCKET, Environment
from stacks.landing_zones import AwsLandingZone, GcpLandingZone, LandingZone

LOCKED_DAYS = 365
"""Retention of a permanent lock. Backups live 35 days at most; manual snapshots live longer."""


@dataclass(frozen=True)
class ErasureLog:
    """Address of the log, and the access that its cloud must grant."""

    address: pulumi.Input[str]
    """In the app's notation."""
    aws: AwsErasureAccess | None = None
    """Access that the migrator's role needs, if the log is on AWS."""


def create_erasure_log(environment: Environment, zones: Mapping[Cloud, LandingZone]) -> ErasureLog:
    """Create the bucket if the settings ask for one; only the migrator, which also erases, may write there."""
    if environment.erasure_log != BUCKET:
        return ErasureLog(environment.erasure_log)
    match zones[environment.key_keeper]:
        case AwsLandingZone() as zone:
            log = AwsErasureLog(f"{zone.name}-erasures", _aws_args(environment), zone.options)
            access = AwsErasureAccess(bucket_arn=log.bucket_arn, prefix=PREFIX, key_arn=log.key_arn)
            return ErasureLog(log.address, access)
        case GcpLandingZone() as zone:
            return ErasureLog(
                GcpErasureLog(f"{zone.name}-erasures", _gcp_args(environment, zone), zone.options).address
            )
        case other:
            raise AssertionError(f"{other.name} cannot keep the erasure log")


def _aws_args(environment: Environment) -> AwsErasureLogArgs:
    return AwsErasureLogArgs(
        region=environment.regions.aws.region,
        copy_region=environment.personal_data.copy_region,
        account_id=environment.accounts.aws,
        retention_days=_retention_days(environment),
        tags=environment.tags,
        protect=environment.protect,
    )


def _gcp_args(environment: Environment, zone: GcpLandingZone) -> GcpErasureLogArgs:
    return GcpErasureLogArgs(
        project=environment.accounts.gcp,
        region=environment.regions.gcp.region,
        copy_region=environment.personal_data.copy_region,
        writers={MIGRATOR: zone.identities.emails[MIGRATOR]},
        retention_days=_retention_days(environment),
        tags=environment.tags,
        protect=environment.protect,
    )


def _retention_days(environment: Environment) -> int:
    """Return the retention: at least that of backups, because a restore replays the erasures since the backup."""
    return LOCKED_DAYS if environment.protect else environment.database.backup_retention_days
