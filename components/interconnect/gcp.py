"""The Google Cloud end of the mesh: an HA VPN gateway and a router that speaks BGP."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
from pulumi_gcp import compute

from components import naming
from components.common import Cloud, child_of, to_labels
from components.interconnect.plan import ASN, REDUNDANCY

_DNS_PROXIES = "35.199.192.0/19"
"""Source addresses of Cloud DNS forwarding (Cloud DNS, forwarding targets); answers need a route to them."""

_REDUNDANCY_TYPES = {2: "TWO_IPS_REDUNDANCY", 4: "FOUR_IPS_REDUNDANCY"}


@dataclass(frozen=True, kw_only=True)
class GcpSite:
    """The network to be joined."""

    project: str
    region: str
    network_id: pulumi.Input[str]
    cidr: str
    """Announced as a whole: nodes, pods, and the range of Cloud SQL."""
    tags: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class GcpTunnelEnd:
    """One tunnel from Google's side."""

    key: str
    """Name of the tunnel."""
    interface: int
    """The gateway's interface, 0 or 1."""
    own: str
    """Own address inside the tunnel, with the prefix length."""
    peer: str
    """The other end's address inside the tunnel."""
    peer_address: pulumi.Input[str]
    """The other end's public address."""
    secret: pulumi.Output[str]


class GcpHub(pulumi.ComponentResource):
    """HA VPN gateway with two interfaces, and the router behind it."""

    gateway_id: pulumi.Output[str]
    router_name: pulumi.Output[str]
    addresses: list[pulumi.Output[str]]
    """Public addresses of its two interfaces."""

    def __init__(self, name: str, site: GcpSite, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("livingfortress:interconnect:GcpHub", name, None, opts)
        child = child_of(self, opts)
        gateway = compute.HaVpnGateway(
            name,
            name=naming.fit(naming.GCP_RESOURCE, name),
            project=site.project,
            region=site.region,
            network=site.network_id,
            labels=to_labels(site.tags),
            opts=child,
        )
        router = compute.Router(
            name,
            name=naming.fit(naming.GCP_RESOURCE, name, "vpn"),
            project=site.project,
            region=site.region,
            network=site.network_id,
            bgp=compute.RouterBgpArgs(
                asn=ASN["gcp"],
                advertise_mode="CUSTOM",
                advertised_ip_ranges=[
                    compute.RouterBgpAdvertisedIpRangeArgs(range=site.cidr, description="The whole network"),
                    compute.RouterBgpAdvertisedIpRangeArgs(range=_DNS_PROXIES, description="Cloud DNS forwarding"),
                ],
            ),
            opts=child,
        )
        self.gateway_id, self.router_name = gateway.id, router.name
        self.addresses = [
            gateway.vpn_interfaces.apply(lambda interfaces, number=number: interfaces[number].ip_address)
            for number in range(REDUNDANCY)
        ]
        self.register_outputs({"gatewayId": gateway.id, "addresses": self.addresses})


class GcpConnection(pulumi.ComponentResource):
    """All tunnels to one other cloud."""

    def __init__(
        self,
        name: str,
        hub: GcpHub,
        site: GcpSite,
        peer: Cloud,
        ends: Sequence[GcpTunnelEnd],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("livingfortress:interconnect:GcpConnection", name, None, opts)
        self._hub, self._site, self._peer, self._child = hub, site, peer, child_of(self, opts)
        far = compute.ExternalVpnGateway(
            name,
            name=naming.fit(naming.GCP_RESOURCE, name),
            project=site.project,
            redundancy_type=_REDUNDANCY_TYPES[len(ends)],
            interfaces=[
                compute.ExternalVpnGatewayInterfaceArgs(id=number, ip_address=end.peer_address)
                for number, end in enumerate(ends)
            ],
            labels=to_labels(site.tags),
            opts=self._child,
        )
        for number, end in enumerate(ends):
            self._create_session(name, end, self._create_tunnel(name, number, end, far))
        self.register_outputs({})

    def _create_tunnel(
        self, name: str, number: int, end: GcpTunnelEnd, far: compute.ExternalVpnGateway
    ) -> compute.VPNTunnel:
        secret: pulumi.Output[str] = pulumi.Output.secret(end.secret)
        return compute.VPNTunnel(
            f"{name}-{end.key}",
            name=naming.fit(naming.GCP_RESOURCE, name, end.key),
            project=self._site.project,
            region=self._site.region,
            vpn_gateway=self._hub.gateway_id,
            vpn_gateway_interface=end.interface,
            peer_external_gateway=far.id,
            peer_external_gateway_interface=number,
            router=self._hub.router_name,
            ike_version=2,
            shared_secret=secret,
            labels=to_labels(self._site.tags),
            opts=self._child,
        )

    def _create_session(self, name: str, end: GcpTunnelEnd, tunnel: compute.VPNTunnel) -> None:
        child = self._child
        physical = naming.fit(naming.GCP_RESOURCE, name, end.key)
        place = {"project": self._site.project, "region": self._site.region, "router": self._hub.router_name}
        interface = compute.RouterInterface(
            f"{name}-{end.key}",
            name=physical,
            ip_range=end.own,
            vpn_tunnel=tunnel.name,
            **place,
            opts=child,
        )
        compute.RouterPeer(
            f"{name}-{end.key}",
            name=physical,
            interface=interface.name,
            peer_ip_address=end.peer,
            peer_asn=ASN[self._peer],
            **place,
            opts=child,
        )
