"""A private bucket in Amazon S3 with versions, TLS only and the other settings of all our buckets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
from pulumi_aws import s3

from components.common import child_of, make_iam_document

Statement = Mapping[str, object]
KEEPING = ("s3:DeleteObject", "s3:DeleteObjectVersion", "s3:PutLifecycleConfiguration", "s3:BypassGovernanceRetention")
"""Denied where objects are locked: a delete marker keeps a locked object but hides it from lists."""


@dataclass(frozen=True, kw_only=True)
class AwsBucketArgs:
    bucket: str
    """Its name, globally unique."""
    region: str
    tags: Mapping[str, str]
    key_arn: pulumi.Input[str] | None = None
    """Key that encrypts the objects; absent: a key of S3, which the delivery of access logs requires."""
    lock_days: int | None = None
    """Days in which nobody can change or delete an object; absent: no lock."""
    compliance: bool = False
    """Nobody can lift a lock, not even the root user; otherwise an administrator can."""
    expire_days: int | None = None
    """Age at which objects are deleted; absent: never."""
    writers: Sequence[Statement] = ()
    """Policy statements that allow AWS services to write, without `Resource`."""
    protect: bool = False
    """Pulumi refuses to delete the bucket; otherwise it is deleted with its objects."""


class AwsBucket(pulumi.ComponentResource):
    """A bucket that no policy or ACL can make public."""

    name: pulumi.Output[str]
    """Resolves once the bucket is closed and locked."""
    arn: pulumi.Output[str]

    def __init__(self, name: str, args: AwsBucketArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("livingfortress:personal_data:AwsBucket", name, None, opts)
        self._name, self._args, self._child = name, args, child_of(self, opts)
        self._bucket = s3.Bucket(
            name,
            bucket=args.bucket,
            region=args.region,
            object_lock_enabled=args.lock_days is not None,
            force_destroy=not args.protect,
            tags=args.tags,
            opts=child_of(self, opts, protect=args.protect),
        )
        self.arn = self._bucket.arn
        self._encrypt()
        closed = [self._block_public_access(), self._disable_acls(), self._attach_policy(), self._keep_versions()]
        if args.lock_days is not None:
            closed.append(self._lock(args.lock_days, closed))
        if args.expire_days is not None:
            self._expire(args.expire_days, closed)
        ids = [setting.id for setting in closed]
        self.name = pulumi.Output.all(self._bucket.bucket, *ids).apply(lambda known: str(known[0]))
        self.register_outputs({"name": self.name, "arn": self.arn})

    def _encrypt(self) -> None:
        key = self._args.key_arn
        algorithm = (
            {"sse_algorithm": "AES256"} if key is None else {"sse_algorithm": "aws:kms", "kms_master_key_id": key}
        )
        s3.BucketServerSideEncryptionConfiguration(
            self._name,
            bucket=self._bucket.id,
            region=self._args.region,
            rules=[{"apply_server_side_encryption_by_default": algorithm}],
            opts=self._child,
        )

    def _block_public_access(self) -> s3.BucketPublicAccessBlock:
        return s3.BucketPublicAccessBlock(
            self._name,
            bucket=self._bucket.id,
            region=self._args.region,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=self._child,
        )

    def _disable_acls(self) -> s3.BucketOwnershipControls:
        return s3.BucketOwnershipControls(
            self._name,
            bucket=self._bucket.id,
            region=self._args.region,
            rule={"object_ownership": "BucketOwnerEnforced"},
            opts=self._child,
        )

    def _attach_policy(self) -> s3.BucketPolicy:
        return s3.BucketPolicy(
            self._name,
            bucket=self._bucket.id,
            region=self._args.region,
            policy=self.arn.apply(lambda arn: build_bucket_policy(arn, self._args)),
            opts=self._child,
        )

    def _keep_versions(self) -> s3.BucketVersioning:
        return s3.BucketVersioning(
            self._name,
            bucket=self._bucket.id,
            region=self._args.region,
            versioning_configuration={"status": "Enabled"},
            opts=self._child,
        )

    def _lock(self, days: int, after: Sequence[pulumi.Resource]) -> s3.BucketObjectLockConfiguration:
        mode = "COMPLIANCE" if self._args.compliance else "GOVERNANCE"
        return s3.BucketObjectLockConfiguration(
            self._name,
            bucket=self._bucket.id,
            region=self._args.region,
            rule={"default_retention": {"mode": mode, "days": days}},
            opts=child_of(self, self._child, after=after),
        )

    def _expire(self, days: int, after: Sequence[pulumi.Resource]) -> None:
        s3.BucketLifecycleConfiguration(
            self._name,
            bucket=self._bucket.id,
            region=self._args.region,
            rules=[
                {
                    "id": "all",
                    "status": "Enabled",
                    "filter": {},
                    "expiration": {"days": days},
                    "noncurrent_version_expiration": {"noncurrent_days": 30},
                }
            ],
            opts=child_of(self, self._child, after=after),
        )


def build_bucket_policy(arn: str, args: AwsBucketArgs) -> str:
    """Return a policy that denies access without TLS, denies deletion of locked objects, and admits the writers."""
    everything = [arn, f"{arn}/*"]
    statements: list[Statement] = [
        {
            "Sid": "TlsOnly",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": everything,
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        },
        *({**writer, "Resource": f"{arn}/*"} for writer in args.writers),
    ]
    if args.lock_days is not None:
        keeping: Statement = {
            "Sid": "NobodyDeletes",
            "Effect": "Deny",
            "Principal": "*",
            "Action": list(KEEPING),
            "Resource": everything,
        }
        statements.append(keeping)
    return make_iam_document(statements)
