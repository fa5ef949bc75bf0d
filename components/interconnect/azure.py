"""The Azure end of the mesh: a VPN gateway with two active instances."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
from pulumi_azure_native import network

from components import naming
from components.common import Cloud, child_of
from components.interconnect.names import AzureNames
from components.interconnect.plan import ASN, REDUNDANCY, Tunnel, azure_addresses


@dataclass(frozen=True, kw_only=True)
class AzureSite:
    """The network to be joined."""

    region: str
    resource_group_name: pulumi.Input[str]
    subscription_id: str
    cidr: str
    gateway_subnet_id: pulumi.Input[str]
    """The subnet called GatewaySubnet."""
    zones: tuple[str, ...]
    tags: Mapping[str, str]
    names: AzureNames | None = None
    """Private names that the other networks resolve."""
    sku: str = "VpnGw2AZ"
    """Zone-redundant; 1 Gbit/s, the cheapest size."""


class AzureHub(pulumi.ComponentResource):
    """Active-active VPN gateway that speaks BGP from a link-local address for every tunnel."""

    gateway_id: pulumi.Output[str]
    addresses: list[pulumi.Output[str]]
    """Public addresses of its two instances."""

    def __init__(
        self, name: str, site: AzureSite, tunnels: Sequence[Tunnel], opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("livingfortress:interconnect:AzureHub", name, None, opts)
        self._site, self._name = site, naming.fit(naming.AZURE_RESOURCE, name)
        self._child = child_of(self, opts)
        self._own = azure_addresses(list(tunnels))
        public = [self._create_public_address(name, number) for number in range(REDUNDANCY)]
        gateway = network.VirtualNetworkGateway(
            name,
            virtual_network_gateway_name=self._name,
            resource_group_name=site.resource_group_name,
            location=site.region,
            gateway_type="Vpn",
            vpn_type="RouteBased",
            vpn_gateway_generation="Generation2",
            sku=network.VirtualNetworkGatewaySkuArgs(name=site.sku, tier=site.sku),
            active_active=True,
            enable_bgp=True,
            ip_configurations=[
                network.VirtualNetworkGatewayIPConfigurationArgs(
                    name=f"instance-{number}",
                    private_ip_allocation_method="Dynamic",
                    public_ip_address=network.SubResourceArgs(id=address.id),
                    subnet=network.SubResourceArgs(id=site.gateway_subnet_id),
                )
                for number, address in enumerate(public)
            ],
            bgp_settings=network.BgpSettingsArgs(
                asn=ASN["azure"],
                bgp_peering_addresses=[
                    network.IPConfigurationBgpPeeringAddressArgs(
                        ipconfiguration_id=self.instance_id(number), custom_bgp_ip_addresses=addresses
                    )
                    for number, addresses in enumerate(self._own)
                ],
            ),
            tags=site.tags,
            opts=child_of(self, opts),
        )
        self.gateway_id = gateway.id
        self.addresses = [address.ip_address for address in public]
        self.register_outputs({"gatewayId": gateway.id, "addresses": self.addresses})

    def instance_id(self, number: int) -> pulumi.Output[str]:
        """Return the resource id of one instance, which Azure needs before the gateway exists."""
        return pulumi.Output.concat(
            f"/subscriptions/{self._site.subscription_id}/resourceGroups/",
            self._site.resource_group_name,
            f"/providers/Microsoft.Network/virtualNetworkGateways/{self._name}/ipConfigurations/instance-{number}",
        )

    def own_addresses(self, tunnel: Tunnel) -> list[str]:
        """Return each instance's BGP address on a tunnel: the tunnel's for its end, any of its own for the other."""
        return [tunnel.far_address if number == tunnel.gateway else own[0] for number, own in enumerate(self._own)]

    def _create_public_address(self, name: str, number: int) -> network.PublicIPAddress:
        return network.PublicIPAddress(
            f"{name}-{number}",
            public_ip_address_name=naming.fit(naming.AZURE_RESOURCE, name, "vpn", str(number)),
            resource_group_name=self._site.resource_group_name,
            location=self._site.region,
            sku=network.PublicIPAddressSkuArgs(name="Standard"),
            public_ip_allocation_method="Static",
            zones=list(self._site.zones),
            tags=self._site.tags,
            opts=self._child,
        )


class AzureConnection(pulumi.ComponentResource):
    """One tunnel to another cloud: the far gateway, and the connection to it."""

    def __init__(
        self,
        name: str,
        hub: AzureHub,
        site: AzureSite,
        peer: Cloud,
        tunnel: Tunnel,
        peer_address: pulumi.Input[str],
        key: pulumi.Output[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("livingfortress:interconnect:AzureConnection", name, None, opts)
        physical = naming.fit(naming.AZURE_RESOURCE, name)
        secret: pulumi.Output[str] = pulumi.Output.secret(key)
        far = network.LocalNetworkGateway(
            name,
            local_network_gateway_name=physical,
            resource_group_name=site.resource_group_name,
            location=site.region,
            gateway_ip_address=peer_address,
            bgp_settings=network.BgpSettingsArgs(asn=ASN[peer], bgp_peering_address=tunnel.near_address),
            tags=site.tags,
            opts=child_of(self, opts),
        )
        connection = network.VirtualNetworkGatewayConnection(
            name,
            virtual_network_gateway_connection_name=physical,
            resource_group_name=site.resource_group_name,
            location=site.region,
            connection_type="IPsec",
            connection_protocol="IKEv2",
            enable_bgp=True,
            virtual_network_gateway1=network.VirtualNetworkGatewayArgs(id=hub.gateway_id),
            local_network_gateway2=network.LocalNetworkGatewayArgs(id=far.id),
            gateway_custom_bgp_ip_addresses=[
                network.GatewayCustomBgpIpAddressIpConfigurationArgs(
                    ip_configuration_id=hub.instance_id(number), custom_bgp_ip_address=address
                )
                for number, address in enumerate(hub.own_addresses(tunnel))
            ],
            ipsec_policies=[_propose_cryptography()],
            shared_key=secret,
            tags=site.tags,
            opts=pulumi.ResourceOptions(parent=self, additional_secret_outputs=["sharedKey"]),
        )
        self.register_outputs({"connectionId": connection.id})


def _propose_cryptography() -> network.IpsecPolicyArgs:
    """Return the same single proposal as on AWS."""
    return network.IpsecPolicyArgs(
        ike_encryption="AES256",
        ike_integrity="SHA384",
        dh_group="ECP384",
        ipsec_encryption="GCMAES256",
        ipsec_integrity="GCMAES256",
        pfs_group="ECP384",
        sa_life_time_seconds=3600,
        sa_data_size_kilobytes=102_400_000,
    )
