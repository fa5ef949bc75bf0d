"""The erasure log in one region of AWS: its key, its bucket, and the bucket of its access log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi
from pulumi_aws import s3

from components import naming
from components.common import child_of
from components.keys.aws import AwsKey, AwsKeyArgs
from components.personal_data import PREFIX, mark_impersonal
from components.personal_data.aws_bucket import AwsBucket, AwsBucketArgs


@dataclass(frozen=True, kw_only=True)
class AwsErasureRegionArgs:
    region: str
    account_id: str
    """Makes the bucket names globally unique."""
    retention_days: int
    protect: bool
    access_log_days: int
    tags: Mapping[str, str]
    log_tags: Mapping[str, str] = field(default_factory=dict)
    """Further tags of the log's bucket."""


class AwsErasureRegion(pulumi.ComponentResource):
    """A locked bucket with its own key, and the log of all requests to it."""

    log: AwsBucket
    access: AwsBucket
    key_arn: pulumi.Output[str]

    def __init__(self, name: str, args: AwsErasureRegionArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("livingfortress:personal_data:AwsErasureRegion", name, None, opts)
        child = child_of(self, opts)
        bucket = bucket_name(name, args.account_id)
        # Not the master key: replication must decrypt the log, but never subject keys.
        self.key_arn = AwsKey(name, _make_key_args(args), child).arn
        self.access = AwsBucket(f"{name}-access", _make_access_args(name, bucket, args), child)
        self.log = AwsBucket(
            name,
            AwsBucketArgs(
                bucket=bucket,
                region=args.region,
                key_arn=self.key_arn,
                lock_days=args.retention_days,
                compliance=args.protect,
                protect=args.protect,
                tags={**mark_impersonal(args.tags), **args.log_tags},
            ),
            child,
        )
        s3.BucketLogging(
            name,
            bucket=self.log.name,
            region=args.region,
            target_bucket=self.access.name,
            target_prefix=f"{PREFIX}/",
            opts=child,
        )
        self.register_outputs({"bucket": self.log.name, "keyArn": self.key_arn})


def bucket_name(name: str, account_id: str) -> str:
    """Return the name of the log's bucket."""
    return naming.fit(naming.S3_BUCKET, name, salt=account_id)


def _make_key_args(args: AwsErasureRegionArgs) -> AwsKeyArgs:
    return AwsKeyArgs(
        purpose="log of erasures",
        encrypts=("storage",),
        account_id=args.account_id,
        region=args.region,
        tags=args.tags,
        protect=args.protect,
    )


def _make_access_args(name: str, logged: str, args: AwsErasureRegionArgs) -> AwsBucketArgs:
    delivery = {
        "Sid": "S3DeliversAccessLogs",
        "Effect": "Allow",
        "Principal": {"Service": "logging.s3.amazonaws.com"},
        "Action": "s3:PutObject",
        "Condition": {
            "ArnLike": {"aws:SourceArn": f"arn:aws:s3:::{logged}"},
            "StringEquals": {"aws:SourceAccount": args.account_id},
        },
    }
    return AwsBucketArgs(
        bucket=naming.fit(naming.S3_BUCKET, name, "access", salt=args.account_id),
        region=args.region,
        # Neither our key nor a lock: S3 delivers no access logs into a bucket with either.
        expire_days=args.access_log_days,
        writers=[delivery],
        protect=args.protect,
        tags=mark_impersonal(args.tags) | {"purpose": "logs"},
    )
