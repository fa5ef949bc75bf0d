"""Private endpoints of AWS services."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_aws import ec2, vpc

from components import naming
from components.common import add_name, child_of

_INTERFACE_SERVICES = ("ec2", "ecr.api", "ecr.dkr", "eks", "eks-auth", "kms", "logs", "secretsmanager", "sts")
"""Services that nodes and pods call, reached inside the network."""


@dataclass(frozen=True, kw_only=True)
class AwsEndpointsArgs:
    region: str
    vpc_id: pulumi.Input[str]
    cidr: str
    subnet_ids: list[pulumi.Output[str]]
    route_table_ids: list[pulumi.Output[str]]
    tags: Mapping[str, str]


class AwsEndpoints(pulumi.ComponentResource):
    """Private endpoints of the AWS services in use, so their traffic never leaves the network."""

    def __init__(self, name: str, args: AwsEndpointsArgs, opts: pulumi.ResourceOptions) -> None:
        super().__init__("livingfortress:network:AwsEndpoints", name, None, opts)
        child = child_of(self, opts)
        group = ec2.SecurityGroup(
            name,
            name=naming.fit(naming.SECURITY_GROUP, name, "endpoints"),
            description="AWS service endpoints, for clients inside the network",
            vpc_id=args.vpc_id,
            tags=add_name(args.tags, f"{name}-endpoints"),
            opts=child,
        )
        vpc.SecurityGroupIngressRule(
            name,
            security_group_id=group.id,
            description="TLS from inside the network",
            ip_protocol="tcp",
            from_port=443,
            to_port=443,
            cidr_ipv4=args.cidr,
            tags=args.tags,
            opts=child,
        )
        ec2.VpcEndpoint(
            f"{name}-s3",
            vpc_id=args.vpc_id,
            service_name=f"com.amazonaws.{args.region}.s3",
            vpc_endpoint_type="Gateway",
            route_table_ids=args.route_table_ids,
            tags=add_name(args.tags, f"{name}-s3"),
            opts=child,
        )
        for service in _INTERFACE_SERVICES:
            ec2.VpcEndpoint(
                f"{name}-{service}",
                vpc_id=args.vpc_id,
                service_name=f"com.amazonaws.{args.region}.{service}",
                vpc_endpoint_type="Interface",
                private_dns_enabled=True,
                subnet_ids=args.subnet_ids,
                security_group_ids=[group.id],
                tags=add_name(args.tags, f"{name}-{service}"),
                opts=child,
            )
        self.register_outputs({"securityGroupId": group.id})
