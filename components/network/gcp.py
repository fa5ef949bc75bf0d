"""A private network on Google Cloud: egress only by explicit rules, and Cloud SQL inside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_network

import pulumi
from pulumi_gcp import compute, dns, servicenetworking

from components import naming
from components.common import child_of, to_labels
from components.network.plan import GcpPlan, check_disjoint, check_zones, plan_gcp

POSTGRES_PORT = "5432"
_CONTROL_PLANE_PORTS = ["443", "8132", "10250"]
"""API server, its tunnel to the nodes, kubelet."""
_PRIVATE_GOOGLE = "199.36.153.8/30"  # private.googleapis.com, Google's documentation on Private Google Access
_PRIVATE_GOOGLE_ADDRESSES = tuple(str(address) for address in ip_network(_PRIVATE_GOOGLE))
_LAST_PRIORITY = 65534  # one before the implied rules


@dataclass(frozen=True, kw_only=True)
class GcpNetworkArgs:
    project: str
    region: str
    zones: tuple[str, ...]
    """Three zones of the region. Subnets span them; clusters rely on them."""
    cidr: str
    """A private range of /16 to /20 that no other network of the mesh uses."""
    tags: Mapping[str, str]
    peers: Mapping[str, str]
    """Ranges of the other clouds' networks, by cloud."""


class GcpNetwork(pulumi.ComponentResource):
    """VPC with one subnet, ranges for pods and services, Cloud NAT, and a private connection to Cloud SQL's network."""

    network_id: pulumi.Output[str]
    cidr: str
    cluster_subnet_id: pulumi.Output[str]
    pods_range_name: str
    services_range_name: str
    control_plane_cidr: str
    """Free range for a private control plane."""
    database_range_name: pulumi.Output[str]
    """Name of the range of Cloud SQL's addresses."""
    service_connection: pulumi.Resource
    """Databases depend on this."""

    def __init__(self, name: str, args: GcpNetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("livingfortress:network:GcpNetwork", name, None, opts)
        check_disjoint({"gcp": args.cidr, **args.peers})
        check_zones(args.zones)
        plan = plan_gcp(args.cidr)
        child = child_of(self, opts)
        network = compute.Network(
            name,
            name=naming.fit(naming.GCP_RESOURCE, name),
            project=args.project,
            auto_create_subnetworks=False,
            # Global: routes learned from another cloud apply in all regions.
            routing_mode="GLOBAL",
            delete_default_routes_on_create=False,
            opts=child,
        )
        self.pods_range_name, self.services_range_name = "pods", "services"
        subnet = compute.Subnetwork(
            name,
            name=naming.fit(naming.GCP_RESOURCE, name, "cluster"),
            project=args.project,
            region=args.region,
            network=network.id,
            ip_cidr_range=plan.nodes,
            secondary_ip_ranges=[
                compute.SubnetworkSecondaryIpRangeArgs(range_name=self.pods_range_name, ip_cidr_range=plan.pods),
                compute.SubnetworkSecondaryIpRangeArgs(
                    range_name=self.services_range_name, ip_cidr_range=plan.services
                ),
            ],
            private_ip_google_access=True,
            log_config=compute.SubnetworkLogConfigArgs(
                aggregation_interval="INTERVAL_1_MIN", flow_sampling=0.5, metadata="INCLUDE_ALL_METADATA"
            ),
            opts=child,
        )
        GcpEgress(name, network, subnet, args, child)
        GcpFirewall(name, network.id, plan, args, child)
        private = GcpDatabaseAccess(name, network, plan.database, args, child)
        self.cidr = args.cidr
        self.control_plane_cidr = plan.control_plane
        self.network_id = network.id
        self.cluster_subnet_id = subnet.id
        self.database_range_name, self.service_connection = private.range_name, private.connection
        self.register_outputs({"networkId": self.network_id, "clusterSubnetId": self.cluster_subnet_id})


class GcpEgress(pulumi.ComponentResource):
    """Egress through Cloud NAT, and private DNS for Google's services."""

    def __init__(
        self,
        name: str,
        network: compute.Network,
        subnet: compute.Subnetwork,
        args: GcpNetworkArgs,
        opts: pulumi.ResourceOptions,
    ) -> None:
        super().__init__("livingfortress:network:GcpEgress", name, None, opts)
        child = child_of(self, opts)
        router = compute.Router(
            f"{name}-nat",
            name=naming.fit(naming.GCP_RESOURCE, name, "nat"),
            project=args.project,
            region=args.region,
            network=network.id,
            opts=child,
        )
        compute.RouterNat(
            name,
            name=naming.fit(naming.GCP_RESOURCE, name),
            project=args.project,
            region=args.region,
            router=router.name,
            nat_ip_allocate_option="AUTO_ONLY",
            source_subnetwork_ip_ranges_to_nat="LIST_OF_SUBNETWORKS",
            subnetworks=[compute.RouterNatSubnetworkArgs(name=subnet.id, source_ip_ranges_to_nats=["ALL_IP_RANGES"])],
            log_config=compute.RouterNatLogConfigArgs(enable=True, filter="ERRORS_ONLY"),
            opts=child,
        )
        for zone in ("googleapis.com", "pkg.dev"):
            self._create_private_zone(name, zone, network, args, child)
        self.register_outputs({})

    def _create_private_zone(
        self, name: str, domain: str, network: compute.Network, args: GcpNetworkArgs, child: pulumi.ResourceOptions
    ) -> None:
        zone = dns.ManagedZone(
            f"{name}-{domain}",
            name=naming.fit(naming.GCP_RESOURCE, name, domain),
            project=args.project,
            dns_name=f"{domain}.",
            description=f"{domain}, reached without the internet",
            visibility="private",
            private_visibility_config=dns.ManagedZonePrivateVisibilityConfigArgs(
                networks=[dns.ManagedZonePrivateVisibilityConfigNetworkArgs(network_url=network.id)]
            ),
            labels=to_labels(args.tags),
            opts=child,
        )
        for record, kind, values in (
            (f"{domain}.", "A", list(_PRIVATE_GOOGLE_ADDRESSES)),
            (f"*.{domain}.", "CNAME", [f"{domain}."]),
        ):
            dns.RecordSet(
                f"{name}-{domain}-{kind.lower()}",
                managed_zone=zone.name,
                project=args.project,
                name=record,
                type=kind,
                ttl=300,
                rrdatas=values,
                opts=child,
            )


class GcpFirewall(pulumi.ComponentResource):
    """Deny everything in both directions, then allow what the platform needs, each rule logged."""

    def __init__(
        self,
        name: str,
        network_id: pulumi.Input[str],
        plan: GcpPlan,
        args: GcpNetworkArgs,
        opts: pulumi.ResourceOptions,
    ) -> None:
        super().__init__("livingfortress:network:GcpFirewall", name, None, opts)
        self._name, self._network_id, self._args, self._child = name, network_id, args, child_of(self, opts)
        inside = [args.cidr, *args.peers.values()]
        self._create_rule("deny-egress", "EGRESS", ["0.0.0.0/0"], None, priority=_LAST_PRIORITY)
        self._create_rule("deny-ingress", "INGRESS", ["0.0.0.0/0"], None, priority=_LAST_PRIORITY)
        self._create_rule("allow-inside", "INGRESS", inside, {"tcp": [], "udp": [], "icmp": []})
        self._create_rule("allow-to-inside", "EGRESS", [args.cidr], {"tcp": [], "udp": [], "icmp": []})
        databases = [plan.database, *args.peers.values()]
        self._create_rule("allow-to-postgres", "EGRESS", databases, {"tcp": [POSTGRES_PORT], "icmp": []})
        self._create_rule("allow-to-google", "EGRESS", [_PRIVATE_GOOGLE], {"tcp": ["443"]})
        self._create_rule("allow-to-control-plane", "EGRESS", [plan.control_plane], {"tcp": _CONTROL_PLANE_PORTS})
        # Token services, image registries and certificate authorities outside Google: TLS only, through Cloud NAT.
        self._create_rule("allow-to-tls", "EGRESS", ["0.0.0.0/0"], {"tcp": ["443"]}, priority=2000)
        self.register_outputs({})

    def _create_rule(
        self,
        key: str,
        direction: str,
        ranges: list[str],
        allowed: Mapping[str, list[str]] | None,
        *,
        priority: int = 1000,
    ) -> None:
        allows = [
            compute.FirewallAllowArgs(protocol=protocol, ports=ports or None)
            for protocol, ports in (allowed or {}).items()
        ]
        compute.Firewall(
            f"{self._name}-{key}",
            name=naming.fit(naming.GCP_RESOURCE, self._name, key),
            project=self._args.project,
            network=self._network_id,
            direction=direction,
            priority=priority,
            source_ranges=ranges if direction == "INGRESS" else None,
            destination_ranges=ranges if direction == "EGRESS" else None,
            allows=allows or None,
            denies=None if allows else [compute.FirewallDenyArgs(protocol="all")],
            log_config=compute.FirewallLogConfigArgs(metadata="INCLUDE_ALL_METADATA"),
            opts=self._child,
        )


class GcpDatabaseAccess(pulumi.ComponentResource):
    """Private Services Access: a range for Cloud SQL, and the peering to Google's network that uses it."""

    range_name: pulumi.Output[str]
    connection: servicenetworking.Connection

    def __init__(
        self,
        name: str,
        network: compute.Network,
        cidr: str,
        args: GcpNetworkArgs,
        opts: pulumi.ResourceOptions,
    ) -> None:
        super().__init__("livingfortress:network:GcpDatabaseAccess", name, None, opts)
        child = child_of(self, opts)
        first = ip_network(cidr)
        reserved = compute.GlobalAddress(
            name,
            name=naming.fit(naming.GCP_RESOURCE, name, "databases"),
            project=args.project,
            purpose="VPC_PEERING",
            address_type="INTERNAL",
            address=str(first.network_address),
            prefix_length=first.prefixlen,
            network=network.id,
            labels=to_labels(args.tags),
            opts=child,
        )
        self.connection = servicenetworking.Connection(
            name,
            network=network.id,
            service="servicenetworking.googleapis.com",
            reserved_peering_ranges=[reserved.name],
            opts=child,
        )
        # Cloud SQL needs our routes to answer clients in the other clouds.
        compute.NetworkPeeringRoutesConfig(
            name,
            project=args.project,
            network=network.name,
            peering=self.connection.peering,
            export_custom_routes=True,
            import_custom_routes=False,
            opts=child,
        )
        self.range_name = reserved.name
        self.register_outputs({"rangeName": self.range_name})
