"""The AWS end of the mesh: a transit gateway, and VPN connections with two tunnels each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
from pulumi_aws import cloudwatch, ec2, ec2transitgateway

from components.common import Cloud, add_name, child_of
from components.interconnect.plan import ASN, Tunnel


@dataclass(frozen=True, kw_only=True)
class AwsSite:
    """The network to be joined."""

    vpc_id: pulumi.Input[str]
    cidr: str
    subnet_ids: Sequence[pulumi.Input[str]]
    """One a zone, in which the gateway gets its legs."""
    route_table_ids: Mapping[str, pulumi.Input[str]]
    """Tables that must know the way to the other clouds, by a name each."""
    tags: Mapping[str, str]
    log_retention_days: int = 365
    log_key_arn: pulumi.Input[str] | None = None
    """Key that encrypts the tunnels' logs."""
    keep_logs: bool = False
    """The cloud itself refuses to delete the tunnels' logs."""


@dataclass(frozen=True, kw_only=True)
class AwsTunnelEnd:
    """What the other end must know of one tunnel."""

    tunnel: Tunnel
    address: pulumi.Output[str]
    """Public address of AWS's end."""
    key: pulumi.Output[str]
    """Pre-shared key, invented by AWS; secret."""


class AwsHub(pulumi.ComponentResource):
    """Transit gateway with the network attached and the routes to the other clouds."""

    gateway_id: pulumi.Output[str]

    def __init__(
        self, name: str, site: AwsSite, peers: Mapping[str, str], opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("livingfortress:interconnect:AwsHub", name, None, opts)
        child = child_of(self, opts)
        gateway = ec2transitgateway.TransitGateway(
            name,
            description="Joins the networks of the other clouds",
            amazon_side_asn=ASN["aws"],
            auto_accept_shared_attachments="disable",
            default_route_table_association="enable",
            default_route_table_propagation="enable",
            # Traffic spreads over all tunnels, and a lost one is simply missing.
            vpn_ecmp_support="enable",
            dns_support="enable",
            tags=add_name(site.tags, name),
            opts=child,
        )
        attachment = ec2transitgateway.VpcAttachment(
            name,
            transit_gateway_id=gateway.id,
            vpc_id=site.vpc_id,
            subnet_ids=site.subnet_ids,
            tags=add_name(site.tags, name),
            opts=child,
        )
        for table, table_id in site.route_table_ids.items():
            for peer, cidr in peers.items():
                ec2.Route(
                    f"{name}-{table}-{peer}",
                    route_table_id=table_id,
                    destination_cidr_block=cidr,
                    transit_gateway_id=gateway.id,
                    # A route to a gateway that the network is not attached to yet is refused.
                    opts=child_of(self, opts, after=[attachment]),
                )
        self.gateway_id = gateway.id
        self.register_outputs({"gatewayId": gateway.id})


class AwsConnection(pulumi.ComponentResource):
    """VPN to one gateway of another cloud, with two tunnels that end in different places of AWS."""

    ends: list[AwsTunnelEnd]

    def __init__(
        self,
        name: str,
        site: AwsSite,
        hub: AwsHub,
        peer: Cloud,
        peer_address: pulumi.Input[str],
        tunnels: Sequence[Tunnel],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("livingfortress:interconnect:AwsConnection", name, None, opts)
        child = child_of(self, opts)
        customer = ec2.CustomerGateway(
            name,
            type="ipsec.1",
            bgp_asn=str(ASN[peer]),
            ip_address=peer_address,
            tags=add_name(site.tags, name),
            opts=child,
        )
        logs = cloudwatch.LogGroup(
            name,
            name=f"/living-fortress/{name}/tunnels",
            retention_in_days=site.log_retention_days,
            kms_key_id=site.log_key_arn,
            deletion_protection_enabled=site.keep_logs,
            tags=site.tags,
            opts=child,
        )
        first, second = tunnels
        vpn = ec2.VpnConnection(
            name,
            type="ipsec.1",
            customer_gateway_id=customer.id,
            transit_gateway_id=hub.gateway_id,
            static_routes_only=False,
            tunnel1_inside_cidr=first.cidr,
            tunnel2_inside_cidr=second.cidr,
            **_cryptography(1),
            **_cryptography(2),
            tunnel1_log_options=_logged_1(logs.arn),
            tunnel2_log_options=_logged_2(logs.arn),
            tags=add_name(site.tags, name),
            opts=child,
        )
        self.ends = [
            AwsTunnelEnd(
                tunnel=first, address=vpn.tunnel1_address, key=pulumi.Output.secret(vpn.tunnel1_preshared_key)
            ),
            AwsTunnelEnd(
                tunnel=second, address=vpn.tunnel2_address, key=pulumi.Output.secret(vpn.tunnel2_preshared_key)
            ),
        ]
        self.register_outputs({"addresses": [end.address for end in self.ends]})


def _cryptography(number: int) -> dict[str, object]:
    """One offer only, so that both ends settle on it: IKEv2, AES-256, SHA-384, elliptic curve group 20."""
    prefix = f"tunnel{number}_"
    return {
        f"{prefix}ike_versions": ["ikev2"],
        f"{prefix}phase1_encryption_algorithms": ["AES256"],
        f"{prefix}phase1_integrity_algorithms": ["SHA2-384"],
        f"{prefix}phase1_dh_group_numbers": [20],
        f"{prefix}phase2_encryption_algorithms": ["AES256-GCM-16"],
        f"{prefix}phase2_integrity_algorithms": ["SHA2-384"],
        f"{prefix}phase2_dh_group_numbers": [20],
        f"{prefix}startup_action": "start",
        f"{prefix}dpd_timeout_action": "restart",
        f"{prefix}enable_tunnel_lifecycle_control": True,
    }


def _logged_1(group_arn: pulumi.Input[str]) -> ec2.VpnConnectionTunnel1LogOptionsArgs:
    return ec2.VpnConnectionTunnel1LogOptionsArgs(
        cloudwatch_log_options=ec2.VpnConnectionTunnel1LogOptionsCloudwatchLogOptionsArgs(
            log_enabled=True, log_group_arn=group_arn, log_output_format="json"
        )
    )


def _logged_2(group_arn: pulumi.Input[str]) -> ec2.VpnConnectionTunnel2LogOptionsArgs:
    return ec2.VpnConnectionTunnel2LogOptionsArgs(
        cloudwatch_log_options=ec2.VpnConnectionTunnel2LogOptionsCloudwatchLogOptionsArgs(
            log_enabled=True, log_group_arn=group_arn, log_output_format="json"
        )
    )
