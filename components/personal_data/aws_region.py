"""The log of erasures as it is in one region of AWS: its key, its bucket, and a bucket that tells who used it."""

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
    """Makes the names of the buckets unique in the world."""
    retention_days: int
    protect: bool
    access_log_days: int
    tags: Mapping[str, str]
    log_tags: Mapping[str, str] = field(default_factory=dict)
    """Further tags of the bucket of the log itself."""


class AwsErasureRegion(pulumi.ComponentResource):
    """A locked bucket whose key nothing else uses, and the log of all requests to it."""

    log: AwsBucket
    access: AwsBucket
    key_arn: pulumi.Output[str]

    def __init__(self, name: str, args: AwsErasureRegionArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("livingfortress:personal_data:AwsErasureRegion", name, None, opts)
        child = child_of(self, opts)
        bucket = bucket_name(name, args.account_id)
        # Not the key of persons: who copies the log must open what is in it, and must not open them.
        self.key_arn = AwsKey(name, _key_args(args), child).arn
        self.access = AwsBucket(f"{name}-access", _access_args(name, bucket, args), child)
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
    """What the bucket of the log is called."""
    return naming.fit(naming.S3_BUCKET, name, salt=account_id)


def _key_args(args: AwsErasureRegionArgs) -> AwsKeyArgs:
    return AwsKeyArgs(
        purpose="log of erasures",
        encrypts=("storage",),
        account_id=args.account_id,
        region=args.region,
        tags=args.tags,
        protect=args.protect,
    )


def _access_args(name: str, logged: str, args: AwsErasureRegionArgs) -> AwsBucketArgs:
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
        # Neither a key of ours nor a lock: S3 delivers no access logs into a bucket that has one.
        expire_days=args.access_log_days,
        writers=[delivery],
        protect=args.protect,
        tags=mark_impersonal(args.tags) | {"purpose": "logs"},
    )
