"""Replication of an Amazon S3 bucket into another region."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_aws import iam, s3

from components import naming
from components.common import child_of, make_iam_document, make_trust_document
from components.personal_data.aws_bucket import AwsBucket

_READ = (
    *("s3:GetObjectVersionForReplication", "s3:GetObjectVersionAcl", "s3:GetObjectVersionTagging"),
    *("s3:GetObjectRetention", "s3:GetObjectLegalHold"),
)
"""Amazon S3 User Guide, Setting up permissions for live replication; the last two where objects are locked."""


@dataclass(frozen=True, kw_only=True)
class AwsReplicationArgs:
    source: AwsBucket
    target: AwsBucket
    region: str
    """Region of the source."""
    tags: Mapping[str, str]
    key_arns: tuple[pulumi.Input[str], pulumi.Input[str]] | None = None
    """Keys that encrypt source and target; absent: keys of S3."""


class AwsReplication(pulumi.ComponentResource):
    """Copies every new object of a bucket to another one within minutes; deletions are not copied."""

    def __init__(self, name: str, args: AwsReplicationArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("livingfortress:personal_data:AwsReplication", name, None, opts)
        child = child_of(self, opts)
        role = iam.Role(
            name,
            name=naming.fit(naming.IAM_ROLE, name),
            description="S3 copies a bucket into another region",
            assume_role_policy=make_trust_document("s3.amazonaws.com"),
            tags=args.tags,
            opts=child,
        )
        known = pulumi.Output.all(args.source.arn, args.target.arn, *(args.key_arns or ()))
        granted = iam.RolePolicy(name, role=role.name, policy=known.apply(lambda arns: _allow_copy(*arns)), opts=child)
        s3.BucketReplicationConfig(
            name,
            bucket=args.source.name,
            region=args.region,
            role=role.arn,
            rules=[_make_rule(args)],
            opts=child_of(self, opts, after=[granted, args.source, args.target]),
        )
        self.register_outputs({"roleArn": role.arn})


def _make_rule(args: AwsReplicationArgs) -> Any:
    destination: dict[str, Any] = {"bucket": args.target.arn}
    rule = {
        "id": "all",
        "status": "Enabled",
        "priority": 1,
        "filter": {},
        "delete_marker_replication": {"status": "Disabled"},
        "destination": destination,
    }
    if args.key_arns is None:
        return rule
    destination["encryption_configuration"] = {"replica_kms_key_id": args.key_arns[1]}
    return rule | {"source_selection_criteria": {"sse_kms_encrypted_objects": {"status": "Enabled"}}}


def _allow_copy(source: str, target: str, *keys: str) -> str:
    statements = [
        _allow(["s3:GetReplicationConfiguration", "s3:ListBucket"], source),
        _allow(list(_READ), f"{source}/*"),
        _allow(["s3:ReplicateObject", "s3:ReplicateTags"], f"{target}/*"),
    ]
    for action, key in zip(("kms:Decrypt", "kms:Encrypt"), keys, strict=bool(keys)):
        by_s3 = {"StringLike": {"kms:ViaService": "s3.*.amazonaws.com"}}
        statements.append({**_allow([action], key), "Condition": by_s3})
    return make_iam_document(statements)


def _allow(actions: list[str], resource: str) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": resource}
