"""DNSSEC of a Route 53 zone."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_aws import kms, route53

from components.common import add_purpose, child_of

REGION = "us-east-1"
"""Route 53 accepts keys of this region only (Amazon Route 53 Developer Guide, customer managed keys for DNSSEC)."""
_SERVICE = {"Service": "dnssec-route53.amazonaws.com"}


@dataclass(frozen=True)
class AwsZoneSigningArgs:
    zone_id: pulumi.Input[str]
    account_id: str
    """Account whose administrators may manage the key."""
    tags: Mapping[str, str]
    protect: bool = False
    """Pulumi refuses to delete the key: without it validating resolvers reject the zone."""


class AwsZoneSigning(pulumi.ComponentResource):
    """Signs a public zone. Resolvers check it once the parent domain holds the zone's DS record."""

    ds_record: pulumi.Output[str]

    def __init__(self, name: str, args: AwsZoneSigningArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("livingfortress:addons:AwsZoneSigning", name, None, opts)
        child = child_of(self, opts)
        key = kms.Key(
            f"{name}-signing",
            region=REGION,
            description="Signs the keys of a DNS zone",
            key_usage="SIGN_VERIFY",
            customer_master_key_spec="ECC_NIST_P256",
            deletion_window_in_days=30,
            policy=json.dumps(build_signing_policy(args.account_id)),
            tags=add_purpose(args.tags, ["signatures"]),
            opts=child_of(self, opts, protect=args.protect),
        )
        signer = route53.KeySigningKey(
            name,
            name=re.sub(r"[^A-Za-z0-9]", "_", name)[:128],
            hosted_zone_id=args.zone_id,
            key_management_service_arn=key.arn,
            status="ACTIVE",
            opts=child,
        )
        route53.HostedZoneDnsSec(
            name,
            hosted_zone_id=args.zone_id,
            signing_status="SIGNING",
            # Route 53 signs only with an active key, and refuses to delete a key while it signs.
            opts=child_of(self, opts, after=[signer]),
        )
        self.ds_record = signer.ds_record
        self.register_outputs({"dsRecord": self.ds_record})


def build_signing_policy(account_id: str) -> dict[str, object]:
    """Return a policy: IAM of the account administers the key, and Route 53 signs zones of this account."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "AccountAdministersByIam",
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{account_id}:root"},
                "Action": "kms:*",
                "Resource": "*",
            },
            {
                "Sid": "Route53Signs",
                "Effect": "Allow",
                "Principal": _SERVICE,
                "Action": ["kms:DescribeKey", "kms:GetPublicKey", "kms:Sign"],
                "Resource": "*",
                "Condition": {
                    "StringEquals": {"aws:SourceAccount": account_id},
                    "ArnLike": {"aws:SourceArn": "arn:aws:route53:::hostedzone/*"},
                },
            },
            {
                "Sid": "Route53Grants",
                "Effect": "Allow",
                "Principal": _SERVICE,
                "Action": "kms:CreateGrant",
                "Resource": "*",
                "Condition": {"Bool": {"kms:GrantIsForAWSResource": "true"}},
            },
        ],
    }
