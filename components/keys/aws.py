"""Customer-managed encryption key on AWS."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_aws import kms

from components import naming
from components.common import add_purpose, child_of


@dataclass(frozen=True, kw_only=True)
class AwsKeyArgs:
    purpose: str
    """What the key encrypts, for its description, e.g. `ledger databases`."""
    account_id: str
    """Account whose administrators may manage the key."""
    tags: Mapping[str, str]
    region: str | None = None
    """Region of the key; absent: the provider's region."""
    encrypts: tuple[str, ...] = ()
    """Kinds of data that it encrypts, e.g. `databases`, `logs`, for its tag `purpose`."""
    via_services: tuple[str, ...] = ()
    """Services that may use the key on behalf of this account, e.g. `rds.eu-central-1.amazonaws.com`."""
    log_regions: tuple[str, ...] = ()
    """Regions whose CloudWatch Logs may encrypt log groups of this account with the key."""
    deletion_window_days: int = 30
    """Days in which a scheduled deletion can be undone, 7 to 30 (AWS KMS API, ScheduleKeyDeletion)."""
    rotation_days: int = 365
    """90 to 2560 (AWS KMS API, EnableKeyRotation, RotationPeriodInDays)."""
    protect: bool = False
    """Pulumi refuses to delete the key: without it the data is lost."""


class AwsKey(pulumi.ComponentResource):
    """A symmetric key that rotates automatically and cannot be destroyed at once."""

    arn: pulumi.Output[str]

    def __init__(self, name: str, args: AwsKeyArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("livingfortress:keys:AwsKey", name, None, opts)
        key = kms.Key(
            name,
            description=f"Encrypts the {args.purpose}",
            enable_key_rotation=True,
            rotation_period_in_days=args.rotation_days,
            deletion_window_in_days=args.deletion_window_days,
            policy=json.dumps(build_key_policy(args)),
            region=args.region,
            tags=add_purpose(args.tags, args.encrypts),
            opts=child_of(self, opts, protect=args.protect),
        )
        kms.Alias(
            name,
            name=f"alias/{naming.fit(naming.KMS_ALIAS, name)}",
            target_key_id=key.key_id,
            region=args.region,
            opts=child_of(self, opts),
        )
        self.arn = key.arn
        self.register_outputs({"arn": self.arn})


def build_key_policy(args: AwsKeyArgs) -> dict[str, object]:
    """Return a policy: IAM administers the key; services use it on behalf of this account, logs for its log groups."""
    account = args.account_id
    statements: list[dict[str, object]] = [
        {
            "Sid": "AccountAdministersByIam",
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
            "Action": "kms:*",
            "Resource": "*",
        }
    ]
    if args.via_services:
        statements.append(
            {
                "Sid": "ServicesUseForThisAccount",
                "Effect": "Allow",
                "Principal": {"AWS": "*"},
                "Action": [*_USE, "kms:CreateGrant"],
                "Resource": "*",
                "Condition": {
                    "StringEquals": {"kms:CallerAccount": account, "kms:ViaService": list(args.via_services)}
                },
            }
        )
    for region in args.log_regions:
        context = f"arn:aws:logs:{region}:{account}:log-group:*"
        statements.append(
            {
                "Sid": "LogGroups" + "".join(part.title() for part in region.split("-")),
                "Effect": "Allow",
                "Principal": {"Service": f"logs.{region}.amazonaws.com"},
                "Action": list(_USE),
                "Resource": "*",
                "Condition": {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": context}},
            }
        )
    return {"Version": "2012-10-17", "Statement": statements}


_USE = ("kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey")
