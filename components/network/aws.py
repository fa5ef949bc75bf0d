"""A private network on AWS: three zones, databases without egress, everything else through NAT only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_aws import ec2, vpc

from components import naming
from components.common import add_name, child_of
from components.network.aws_endpoints import AwsEndpoints, AwsEndpointsArgs
from components.network.aws_flow_logs import AwsFlowLogs, AwsFlowLogsArgs
from components.network.plan import check_disjoint, check_zones, plan_aws

POSTGRES_PORT = 5432


@dataclass(frozen=True, kw_only=True)
class AwsNetworkArgs:
    region: str
    zones: tuple[str, ...]
    """Three availability zones of the region."""
    cidr: str
    """A private range of /16 to /20 that no other network of the mesh uses."""
    tags: Mapping[str, str]
    peers: Mapping[str, str]
    """Ranges of the other clouds' networks, by cloud; their clients may reach the databases."""
    log_retention_days: int = 365
    """Retention of flow logs, one of the periods that CloudWatch Logs accepts."""
    log_key_arn: pulumi.Input[str] | None = None
    """Key that encrypts the flow logs; its policy must let CloudWatch Logs use it."""
    keep_logs: bool = False
    """Whether AWS refuses to delete the flow logs."""


class AwsNetwork(pulumi.ComponentResource):
    """VPC with public, cluster and database subnets, endpoints for the AWS services in use, and flow logs."""

    vpc_id: pulumi.Output[str]
    cidr: str
    cluster_subnet_ids: list[pulumi.Output[str]]
    database_subnet_ids: list[pulumi.Output[str]]
    database_security_group_id: pulumi.Output[str]
    """Allows PostgreSQL from the clusters of all joined networks, and no egress."""
    route_table_ids: Mapping[str, pulumi.Output[str]]
    """Route tables by zone of the cluster, and `database`; routes to the other clouds go here."""

    def __init__(self, name: str, args: AwsNetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("livingfortress:network:AwsNetwork", name, None, opts)
        check_disjoint({"aws": args.cidr, **args.peers})
        check_zones(args.zones)
        child = child_of(self, opts)
        network = ec2.Vpc(
            name,
            cidr_block=args.cidr,
            enable_dns_support=True,
            enable_dns_hostnames=True,
            tags=add_name(args.tags, name),
            opts=child,
        )
        # The default group allows all traffic inside it; without rules nobody can use it by mistake.
        ec2.DefaultSecurityGroup(name, vpc_id=network.id, ingress=[], egress=[], tags=args.tags, opts=child)
        plan = plan_aws(args.cidr)
        subnets = AwsSubnets(
            name,
            AwsSubnetsArgs(
                vpc_id=network.id,
                zones=args.zones,
                public=plan.public,
                cluster=plan.cluster,
                database=plan.database,
                tags=args.tags,
            ),
            child,
        )
        AwsEndpoints(name, _make_endpoints_args(network.id, subnets, args), child)
        AwsFlowLogs(name, _make_flow_logs_args(network.id, args), child)
        self.cidr = args.cidr
        self.vpc_id = network.id
        self.cluster_subnet_ids = subnets.cluster_ids
        self.database_subnet_ids = subnets.database_ids
        self.route_table_ids = subnets.route_table_ids
        self.database_security_group_id = _create_database_group(name, network.id, args, child).id
        self.register_outputs(
            {
                "vpcId": self.vpc_id,
                "clusterSubnetIds": self.cluster_subnet_ids,
                "databaseSubnetIds": self.database_subnet_ids,
                "databaseSecurityGroupId": self.database_security_group_id,
            }
        )


@dataclass(frozen=True, kw_only=True)
class AwsSubnetsArgs:
    vpc_id: pulumi.Input[str]
    zones: tuple[str, ...]
    public: tuple[str, ...]
    cluster: tuple[str, ...]
    database: tuple[str, ...]
    tags: Mapping[str, str]


class AwsSubnets(pulumi.ComponentResource):
    """Nine subnets and their routes, with a NAT gateway per zone, so losing a zone affects no other."""

    cluster_ids: list[pulumi.Output[str]]
    database_ids: list[pulumi.Output[str]]
    route_table_ids: dict[str, pulumi.Output[str]]

    def __init__(self, name: str, args: AwsSubnetsArgs, opts: pulumi.ResourceOptions) -> None:
        super().__init__("livingfortress:network:AwsSubnets", name, None, opts)
        self._name, self._args, self._child = name, args, child_of(self, opts)
        gateway = ec2.InternetGateway(name, vpc_id=args.vpc_id, tags=add_name(args.tags, name), opts=self._child)
        public = self._create_subnets("public", args.public, {"kubernetes.io/role/elb": "1"})
        cluster = self._create_subnets("cluster", args.cluster, {"kubernetes.io/role/internal-elb": "1"})
        database = self._create_subnets("database", args.database, {})
        edge = self._create_table("public", public)
        ec2.Route(
            f"{name}-public",
            route_table_id=edge.id,
            destination_cidr_block="0.0.0.0/0",
            gateway_id=gateway.id,
            opts=self._child,
        )
        tables = {
            zone: self._create_nat(zone, inside, outside, gateway)
            for zone, inside, outside in zip(args.zones, cluster, public, strict=True)
        }
        tables["database"] = self._create_table("database", database)
        self.cluster_ids = [subnet.id for subnet in cluster]
        self.database_ids = [subnet.id for subnet in database]
        self.route_table_ids = {key: table.id for key, table in tables.items()}
        self.register_outputs({"routeTableIds": self.route_table_ids})

    def _create_subnets(self, kind: str, cidrs: tuple[str, ...], extra: Mapping[str, str]) -> list[ec2.Subnet]:
        return [
            ec2.Subnet(
                f"{self._name}-{kind}-{zone}",
                vpc_id=self._args.vpc_id,
                availability_zone=zone,
                cidr_block=cidr,
                map_public_ip_on_launch=False,
                tags={**add_name(self._args.tags, f"{self._name}-{kind}-{zone}"), **extra},
                opts=self._child,
            )
            for zone, cidr in zip(self._args.zones, cidrs, strict=True)
        ]

    def _create_table(self, key: str, subnets: list[ec2.Subnet]) -> ec2.RouteTable:
        table = ec2.RouteTable(
            f"{self._name}-{key}",
            vpc_id=self._args.vpc_id,
            tags=add_name(self._args.tags, f"{self._name}-{key}"),
            opts=self._child,
        )
        for number, subnet in enumerate(subnets):
            ec2.RouteTableAssociation(
                f"{self._name}-{key}-{number}", route_table_id=table.id, subnet_id=subnet.id, opts=self._child
            )
        return table

    def _create_nat(
        self, zone: str, inside: ec2.Subnet, outside: ec2.Subnet, gateway: ec2.InternetGateway
    ) -> ec2.RouteTable:
        label = f"{self._name}-{zone}"
        # AWS refuses a NAT gateway before the internet gateway exists, so order them explicitly.
        after_gateway = child_of(self, self._child, after=[gateway])
        tags = add_name(self._args.tags, label)
        address = ec2.Eip(label, domain="vpc", tags=tags, opts=after_gateway)
        nat = ec2.NatGateway(
            label, allocation_id=address.allocation_id, subnet_id=outside.id, tags=tags, opts=after_gateway
        )
        table = self._create_table(zone, [inside])
        ec2.Route(
            label,
            route_table_id=table.id,
            destination_cidr_block="0.0.0.0/0",
            nat_gateway_id=nat.id,
            opts=self._child,
        )
        return table


def _make_endpoints_args(vpc_id: pulumi.Input[str], subnets: AwsSubnets, args: AwsNetworkArgs) -> AwsEndpointsArgs:
    return AwsEndpointsArgs(
        region=args.region,
        vpc_id=vpc_id,
        cidr=args.cidr,
        subnet_ids=subnets.cluster_ids,
        route_table_ids=list(subnets.route_table_ids.values()),
        tags=args.tags,
    )


def _make_flow_logs_args(vpc_id: pulumi.Input[str], args: AwsNetworkArgs) -> AwsFlowLogsArgs:
    return AwsFlowLogsArgs(
        vpc_id=vpc_id,
        retention_days=args.log_retention_days,
        key_arn=args.log_key_arn,
        keep=args.keep_logs,
        tags=args.tags,
    )


def _create_database_group(
    name: str, vpc_id: pulumi.Input[str], args: AwsNetworkArgs, opts: pulumi.ResourceOptions
) -> ec2.SecurityGroup:
    # Without an egress rule, this provider's security group allows no egress.
    group = ec2.SecurityGroup(
        f"{name}-database",
        name=naming.fit(naming.SECURITY_GROUP, name, "database"),
        description="PostgreSQL, for the clusters of the joined networks",
        vpc_id=vpc_id,
        tags=add_name(args.tags, f"{name}-database"),
        opts=opts,
    )
    for source, cidr in {"aws": args.cidr, **args.peers}.items():
        vpc.SecurityGroupIngressRule(
            f"{name}-database-{source}",
            security_group_id=group.id,
            description=f"PostgreSQL from the network on {source}",
            ip_protocol="tcp",
            from_port=POSTGRES_PORT,
            to_port=POSTGRES_PORT,
            cidr_ipv4=cidr,
            tags=args.tags,
            opts=opts,
        )
    return group
