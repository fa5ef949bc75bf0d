"""DNS zone, secret access and load balancers of an EKS cluster's add-ons, which authenticate by EKS Pod Identity."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_aws import eks, iam, route53

from components.addons.aws_signing import AwsZoneSigning, AwsZoneSigningArgs
from components.addons.bindings import DUTIES, AddonBindings, Duty
from components.common import child_of, make_iam_document, make_trust_document
from components.naming import IAM_ROLE, fit

POD_IDENTITY_AGENT = "169.254.170.23/32"
"""The agent on each node that issues the tokens of EKS Pod Identity (Amazon EKS User Guide, Pod Identity Agent)."""


@dataclass(frozen=True, kw_only=True)
class AwsAddonAccessArgs:
    """What the add-ons of one EKS cluster may reach in AWS."""

    cluster_name: pulumi.Input[str]
    region: str
    account_id: str
    domain: str
    """The zone made for the cluster; its parent domain delegates to it."""
    secret_prefix: str
    """Only secrets named `<prefix>/…` may be read."""
    secret_key_arn: pulumi.Input[str]
    """The customer-managed key that encrypts those secrets."""
    tags: Mapping[str, str]
    protect: bool = False
    """Pulumi refuses to delete the key that signs the zone."""


class AwsAddonAccess(pulumi.ComponentResource):
    """A Route 53 zone, and one role for each duty of the add-ons."""

    bindings: AddonBindings

    def __init__(self, name: str, args: AwsAddonAccessArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("livingfortress:addons:AwsAddonAccess", name, None, opts)
        self._base, self._tags, self._child = name, args.tags, child_of(self, opts)
        zone = route53.Zone(
            name,
            name=args.domain,
            comment="Names of the cluster's gateways, written by external-dns",
            tags=args.tags,
            opts=self._child,
        )
        AwsZoneSigning(name, AwsZoneSigningArgs(zone.zone_id, args.account_id, args.tags, args.protect), self._child)
        self._create_role("dns", zone.arn.apply(_allow_dns), args)
        self._create_role(
            "secrets", pulumi.Output.from_input(args.secret_key_arn).apply(lambda key: _allow_secrets(args, key)), args
        )
        self.bindings = AddonBindings(
            external_dns={
                "provider": {"name": "aws"},
                "env": [{"name": "AWS_DEFAULT_REGION", "value": args.region}],
                "extraArgs": ["--aws-zone-type=public"],
            },
            dns_solver={"route53": {"region": args.region, "hostedZoneID": zone.zone_id}},
            secret_store={"aws": {"service": "SecretsManager", "region": args.region}},
            load_balancer={
                "public": _describe_load_balancer("internet-facing"),
                "internal": _describe_load_balancer("internal"),
            },
            token_endpoint=POD_IDENTITY_AGENT,
            brings_metrics=False,
            name_servers=zone.name_servers,
        )
        self.register_outputs({"zone_id": zone.zone_id, "name_servers": zone.name_servers})

    def _create_role(self, duty: Duty, policy: pulumi.Input[str], args: AwsAddonAccessArgs) -> None:
        role = iam.Role(
            f"{self._base}-{duty}",
            name=fit(IAM_ROLE, self._base, duty),
            assume_role_policy=make_trust_document("pods.eks.amazonaws.com", ["sts:AssumeRole", "sts:TagSession"]),
            tags=self._tags,
            opts=self._child,
        )
        granted = iam.RolePolicy(f"{self._base}-{duty}", role=role.name, policy=policy, opts=self._child)
        for account in DUTIES[duty]:
            eks.PodIdentityAssociation(
                f"{self._base}-{account.name}",
                cluster_name=args.cluster_name,
                namespace=account.namespace,
                service_account=account.name,
                role_arn=role.arn,
                tags=self._tags,
                opts=child_of(self, self._child, after=[granted]),
            )


def _describe_load_balancer(scheme: str) -> dict[str, Any]:
    return {
        "loadBalancerClass": "eks.amazonaws.com/nlb",
        "annotations": {
            "service.beta.kubernetes.io/aws-load-balancer-scheme": scheme,
            "service.beta.kubernetes.io/aws-load-balancer-nlb-target-type": "ip",
        },
    }


def _allow_dns(zone_arn: str) -> str:
    return make_iam_document(
        [
            {
                "Effect": "Allow",
                "Action": ["route53:ChangeResourceRecordSets", "route53:ListResourceRecordSets"],
                "Resource": zone_arn,
            },
            {
                "Effect": "Allow",
                # These actions take no resource: find the zone by name, and check whether a change has propagated.
                "Action": ["route53:ListHostedZones", "route53:ListHostedZonesByName", "route53:GetChange"],
                "Resource": "*",
            },
        ]
    )


def _allow_secrets(args: AwsAddonAccessArgs, key_arn: str) -> str:
    secrets = f"arn:aws:secretsmanager:{args.region}:{args.account_id}:secret:{args.secret_prefix}/*"
    return make_iam_document(
        [
            {
                "Effect": "Allow",
                "Action": ["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"],
                "Resource": secrets,
            },
            {
                "Effect": "Allow",
                "Action": "kms:Decrypt",
                "Resource": key_arn,
                "Condition": {"StringEquals": {"kms:ViaService": f"secretsmanager.{args.region}.amazonaws.com"}},
            },
        ]
    )
