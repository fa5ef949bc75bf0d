"""A private network on Azure: delegated subnets, private DNS for databases, egress through NAT."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_azure_native import network, privatedns

from components import naming
from components.common import child_of
from components.network.plan import AzurePlan, check_disjoint, check_zones, plan_azure

POSTGRES_PORT = "5432"


@dataclass(frozen=True, kw_only=True)
class AzureNetworkArgs:
    region: str
    resource_group_name: pulumi.Input[str]
    zones: tuple[str, ...]
    """Three availability zones, such as `1`, `2`, `3`."""
    cidr: str
    """A private range of /16 to /20 that no other network of the mesh uses."""
    tags: Mapping[str, str]
    peers: Mapping[str, str]
    """Ranges of the other clouds' networks, by cloud; their clients may reach the databases."""


class AzureNetwork(pulumi.ComponentResource):
    """Virtual network with databases in a delegated subnet, under private names only."""

    vnet_id: pulumi.Output[str]
    cidr: str
    cluster_subnet_id: pulumi.Output[str]
    control_plane_subnet_id: pulumi.Output[str]
    """Delegated to AKS, for an API server inside the network."""
    database_subnet_id: pulumi.Output[str]
    gateway_subnet_id: pulumi.Output[str]
    resolver_subnet_id: pulumi.Output[str]
    resolver_address: str
    database_zone_id: pulumi.Output[str]
    """Private DNS zone for the names of flexible servers."""
    database_zone_name: pulumi.Output[str]

    def __init__(self, name: str, args: AzureNetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("livingfortress:network:AzureNetwork", name, None, opts)
        check_disjoint({"azure": args.cidr, **args.peers})
        check_zones(args.zones)
        child = child_of(self, opts)
        vnet = network.VirtualNetwork(
            name,
            virtual_network_name=naming.fit(naming.AZURE_VNET, name),
            resource_group_name=args.resource_group_name,
            location=args.region,
            address_space=network.AddressSpaceArgs(address_prefixes=[args.cidr]),
            tags=args.tags,
            opts=child,
        )
        plan = plan_azure(args.cidr)
        subnets = AzureSubnets(name, vnet.name, plan, args, child)
        zone = AzureDatabaseNames(name, vnet.id, args, child)
        self.cidr, self.resolver_address = args.cidr, plan.resolver_address
        self.vnet_id = vnet.id
        self.cluster_subnet_id = subnets.ids["cluster"]
        self.control_plane_subnet_id = subnets.ids["control-plane"]
        self.database_subnet_id = subnets.ids["database"]
        self.gateway_subnet_id = subnets.ids["gateway"]
        self.resolver_subnet_id = subnets.ids["resolver"]
        self.database_zone_id, self.database_zone_name = zone.zone_id, zone.zone_name
        self.register_outputs({"vnetId": self.vnet_id, "subnetIds": subnets.ids, "databaseZoneId": zone.zone_id})


class AzureSubnets(pulumi.ComponentResource):
    """Subnets with their own rules; egress only through the NAT gateway, never through Azure's default address."""

    ids: dict[str, pulumi.Output[str]]

    def __init__(
        self,
        name: str,
        vnet_name: pulumi.Input[str],
        plan: AzurePlan,
        args: AzureNetworkArgs,
        opts: pulumi.ResourceOptions,
    ) -> None:
        super().__init__("livingfortress:network:AzureSubnets", name, None, opts)
        self._name, self._args, self._vnet_name, self._child = name, args, vnet_name, child_of(self, opts)
        self._last: pulumi.Resource | None = None
        nat = self._create_nat()
        inside = [args.cidr, *args.peers.values()]
        self.ids = {
            "cluster": self._create_subnet(
                "cluster", plan.cluster, self._create_group("cluster", _list_inside_rules(inside)), nat=nat
            ),
            "database": self._create_subnet(
                "database",
                plan.database,
                self._create_group("database", _list_postgres_rules(inside, plan.database)),
                delegated_to="Microsoft.DBforPostgreSQL/flexibleServers",
            ),
            "endpoints": self._create_subnet(
                "endpoints", plan.endpoints, self._create_group("endpoints", _list_inside_rules(inside))
            ),
            "control-plane": self._create_subnet(
                "control-plane", plan.control_plane, None, delegated_to="Microsoft.ContainerService/managedClusters"
            ),
            # Azure requires this name for its gateway's subnet, and refuses network security groups on it.
            "gateway": self._create_subnet("gateway", plan.gateway, None, physical="GatewaySubnet"),
            "resolver": self._create_subnet(
                "resolver", plan.resolver, None, delegated_to="Microsoft.Network/dnsResolvers"
            ),
        }
        self.register_outputs({"ids": self.ids})

    def _create_nat(self) -> network.NatGateway:
        child = self._child
        address = network.PublicIPAddress(
            f"{self._name}-nat",
            public_ip_address_name=naming.fit(naming.AZURE_RESOURCE, self._name, "nat"),
            resource_group_name=self._args.resource_group_name,
            location=self._args.region,
            sku=network.PublicIPAddressSkuArgs(name="Standard"),
            public_ip_allocation_method="Static",
            zones=list(self._args.zones),
            tags=self._args.tags,
            opts=child,
        )
        return network.NatGateway(
            self._name,
            nat_gateway_name=naming.fit(naming.AZURE_RESOURCE, self._name),
            resource_group_name=self._args.resource_group_name,
            location=self._args.region,
            sku=network.NatGatewaySkuArgs(name="Standard"),
            public_ip_addresses=[network.SubResourceArgs(id=address.id)],
            tags=self._args.tags,
            opts=child,
        )

    def _create_group(self, kind: str, rules: list[network.SecurityRuleArgs]) -> network.NetworkSecurityGroup:
        return network.NetworkSecurityGroup(
            f"{self._name}-{kind}",
            network_security_group_name=naming.fit(naming.AZURE_RESOURCE, self._name, kind),
            resource_group_name=self._args.resource_group_name,
            location=self._args.region,
            security_rules=rules,
            tags=self._args.tags,
            opts=self._child,
        )

    def _create_subnet(
        self,
        kind: str,
        cidr: str,
        group: network.NetworkSecurityGroup | None,
        *,
        nat: network.NatGateway | None = None,
        delegated_to: str | None = None,
        physical: str | None = None,
    ) -> pulumi.Output[str]:
        # Azure changes one subnet of a network at a time and refuses concurrent changes, so they run one by one.
        after = [self._last] if self._last else []
        subnet = network.Subnet(
            f"{self._name}-{kind}",
            subnet_name=physical or kind,
            resource_group_name=self._args.resource_group_name,
            virtual_network_name=self._vnet_name,
            address_prefix=cidr,
            default_outbound_access=False,
            private_endpoint_network_policies="Enabled",
            network_security_group=network.NetworkSecurityGroupArgs(id=group.id) if group else None,
            nat_gateway=network.SubResourceArgs(id=nat.id) if nat else None,
            delegations=[network.DelegationArgs(name=kind, service_name=delegated_to)] if delegated_to else None,
            opts=child_of(self, self._child, after=after),
        )
        self._last = subnet
        identity: pulumi.Output[str] = subnet.id
        return identity


class AzureDatabaseNames(pulumi.ComponentResource):
    """Private DNS zone of the flexible servers, linked to the network."""

    zone_id: pulumi.Output[str]
    zone_name: pulumi.Output[str]

    def __init__(
        self, name: str, vnet_id: pulumi.Input[str], args: AzureNetworkArgs, opts: pulumi.ResourceOptions
    ) -> None:
        super().__init__("livingfortress:network:AzureDatabaseNames", name, None, opts)
        child = child_of(self, opts)
        zone = privatedns.PrivateZone(
            name,
            # Flexible server requires this suffix, and a zone name that does not begin with a server's name.
            private_zone_name=f"{naming.fit(naming.AZURE_RESOURCE, name)}.private.postgres.database.azure.com",
            resource_group_name=args.resource_group_name,
            location="global",
            tags=args.tags,
            opts=child,
        )
        link = privatedns.VirtualNetworkLink(
            name,
            virtual_network_link_name=naming.fit(naming.AZURE_RESOURCE, name),
            private_zone_name=zone.name,
            resource_group_name=args.resource_group_name,
            location="global",
            registration_enabled=False,
            virtual_network=privatedns.SubResourceArgs(id=vnet_id),
            tags=args.tags,
            opts=child,
        )
        # Users of the zone wait for the link: nobody could resolve the name of a server created before it.
        self.zone_id = pulumi.Output.all(zone.id, link.id).apply(lambda both: str(both[0]))
        self.zone_name = zone.name
        self.register_outputs({"zoneId": self.zone_id})


def _make_rule(
    name: str, priority: int, direction: str, access: str, sources: list[str], destinations: list[str], port: str
) -> network.SecurityRuleArgs:
    return network.SecurityRuleArgs(
        name=name,
        priority=priority,
        direction=direction,
        access=access,
        protocol="Tcp" if port != "*" else "*",
        source_address_prefixes=sources if len(sources) > 1 else None,
        source_address_prefix=sources[0] if len(sources) == 1 else None,
        source_port_range="*",
        destination_address_prefixes=destinations if len(destinations) > 1 else None,
        destination_address_prefix=destinations[0] if len(destinations) == 1 else None,
        destination_port_range=port,
    )


def _list_inside_rules(inside: list[str]) -> list[network.SecurityRuleArgs]:
    """Ingress: the joined networks and Azure's health probes. Egress: Azure's defaults, through the NAT gateway."""
    return [
        _make_rule("joined-networks", 200, "Inbound", "Allow", inside, ["*"], "*"),
        _make_rule("health-probes", 210, "Inbound", "Allow", ["AzureLoadBalancer"], ["*"], "*"),
        _make_rule("nothing-else", 4096, "Inbound", "Deny", ["*"], ["*"], "*"),
    ]


def _list_postgres_rules(inside: list[str], subnet: str) -> list[network.SecurityRuleArgs]:
    """Ingress: PostgreSQL from the joined networks. Egress: what a flexible server needs, without the internet."""
    return [
        _make_rule("postgres", 200, "Inbound", "Allow", inside, [subnet], POSTGRES_PORT),
        _make_rule("replication", 210, "Inbound", "Allow", [subnet], [subnet], POSTGRES_PORT),
        _make_rule("nothing-else", 4096, "Inbound", "Deny", ["*"], ["*"], "*"),
        _make_rule("replication", 200, "Outbound", "Allow", [subnet], [subnet], POSTGRES_PORT),
        _make_rule("wal-archive", 210, "Outbound", "Allow", [subnet], ["Storage"], "443"),
        _make_rule("entra", 220, "Outbound", "Allow", [subnet], ["AzureActiveDirectory"], "443"),
        _make_rule("nothing-else-out", 4096, "Outbound", "Deny", ["*"], ["*"], "*"),
    ]
