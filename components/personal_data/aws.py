"""The erasure log in Amazon S3."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi

from components.common import child_of
from components.personal_data import PREFIX
from components.personal_data.aws_bucket import AwsBucket
from components.personal_data.aws_region import AwsErasureRegion, AwsErasureRegionArgs, bucket_name
from components.personal_data.aws_replication import AwsReplication, AwsReplicationArgs


@dataclass(frozen=True, kw_only=True)
class AwsErasureLogArgs:
    """Where erasures are logged, and how long entries are locked."""

    region: str
    account_id: str
    """Makes the bucket names globally unique; administers their keys."""
    tags: Mapping[str, str]
    copy_region: str | None = None
    """Another region that gets a copy of every entry within minutes; absent: no copy."""
    retention_days: int = 365
    """Days in which no entry can be changed or deleted; longer than any backup lives, as restores replay the log."""
    access_log_days: int = 365
    """Retention of the access log."""
    protect: bool = False
    """Nobody can lift the lock of an entry, not even the root user, and Pulumi deletes no bucket."""


class AwsErasureLog(pulumi.ComponentResource):
    """A locked bucket for this purpose only, in one region or two; roles elsewhere grant write access."""

    address: pulumi.Output[str]
    """In the app's notation; resolves once the bucket is closed and locked."""
    bucket_arn: pulumi.Output[str]
    key_arn: pulumi.Output[str]

    def __init__(self, name: str, args: AwsErasureLogArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("livingfortress:personal_data:AwsErasureLog", name, None, opts)
        self._name, self._args, self._child = name, args, child_of(self, opts)
        home = self._create_region(name, args.region, {})
        if args.copy_region is not None:
            self._copy(home, args.copy_region)
        self.address = pulumi.Output.concat(f"aws-s3:{args.region}/", home.log.name, f"/{PREFIX}")
        self.bucket_arn, self.key_arn = home.log.arn, home.key_arn
        self.register_outputs({"address": self.address})

    def _create_region(self, name: str, region: str, log_tags: Mapping[str, str]) -> AwsErasureRegion:
        args = AwsErasureRegionArgs(
            region=region,
            account_id=self._args.account_id,
            retention_days=self._args.retention_days,
            access_log_days=self._args.access_log_days,
            protect=self._args.protect,
            tags=self._args.tags,
            log_tags=log_tags,
        )
        return AwsErasureRegion(name, args, self._child)

    def _copy(self, home: AwsErasureRegion, region: str) -> None:
        name = self._name
        away = self._create_region(f"{name}-copy", region, {"copy-of": bucket_name(name, self._args.account_id)})
        keys = (home.key_arn, away.key_arn)
        self._replicate(f"{name}-to-copy", home.log, away.log, self._args.region, keys)
        # Each region's access log is copied to the other region.
        self._replicate(f"{name}-access-to-copy", home.access, away.access, self._args.region)
        self._replicate(f"{name}-access-from-copy", away.access, home.access, region)

    def _replicate(
        self,
        name: str,
        source: AwsBucket,
        target: AwsBucket,
        region: str,
        keys: tuple[pulumi.Input[str], pulumi.Input[str]] | None = None,
    ) -> None:
        args = AwsReplicationArgs(source=source, target=target, region=region, key_arns=keys, tags=self._args.tags)
        AwsReplication(name, args, self._child)
