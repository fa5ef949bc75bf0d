"""Filters of what stands in a network, and how networks are joined."""

from __future__ import annotations

from pydantic import Field

from policies import (
    MEDIUM,
    PASS,
    Options,
    Resource,
    Status,
    Verdict,
    View,
    applies_to,
    fails,
    fixed_by,
    in_turn,
    not_applicable,
    passes_if,
    sets,
)
from policies.controls.network_exposure import EVIDENCE, control
from policies.property_checks import Property, check_properties


class Filters(Options):
    """Options of NET-013."""

    unfiltered_subnets: tuple[str, ...] = Field(
        default=("GatewaySubnet", "AzureFirewallSubnet", "AzureFirewallManagementSubnet", "RouteServerSubnet"),
        description="Names of Azure subnets on which Azure refuses a network security group.",
    )
    unfiltered_delegations: tuple[str, ...] = Field(
        default=("Microsoft.ContainerService/managedClusters", "Microsoft.Network/dnsResolvers"),
        description="Services whose delegated subnets need no network security group: they hold no machine, only"
        " addresses of the service, which says itself who may come.",
    )


own_filter = control(
    "NET-013",
    title="What stands in a network has filter rules of its own",
    severity=MEDIUM,
    maps={**EVIDENCE, "soc2": ["CC6.6"], "pci_dss": ["1.2.5", "1.3.1", "1.4.2"]},
    remedy="Give it a security group that names who may come.",
    options=Filters,
)


@own_filter
@applies_to("aws:ec2/vpcEndpoint:VpcEndpoint", reads=["vpcEndpointType", "securityGroupIds"])
def endpoint_has_security_group(endpoint: Resource) -> Verdict:
    kind = endpoint.text("vpcEndpointType", "Gateway")
    if kind in ("Gateway", "GatewayLoadBalancer"):
        return not_applicable(f"endpoints of type {kind} take no security group")
    return passes_if(bool(endpoint.texts("securityGroupIds")), "it has the default security group")


@own_filter
@applies_to(
    "azure-native:network:Subnet",
    reads=["subnetName", "delegations.serviceName", "networkSecurityGroup.id"],
)
def subnet_has_security_group(subnet: Resource, options: Filters) -> Verdict:
    return _is_filtered(subnet, "subnetName", options)


@own_filter
@applies_to(
    "azure-native:network:VirtualNetwork",
    reads=["subnets.name", "subnets.delegations.serviceName", "subnets.networkSecurityGroup.id"],
)
def subnets_have_security_groups(network: Resource, options: Filters) -> Verdict:
    """Its subnets may also be resources of their own."""
    verdicts = [_is_filtered(subnet, "name", options) for subnet in network.objects("subnets")]
    return next((verdict for verdict in verdicts if verdict.status is Status.FAIL), PASS)


def _is_filtered(subnet: View, path: str, options: Filters) -> Verdict:
    if subnet.has("networkSecurityGroup.id"):
        return PASS
    name = subnet.text(path)
    if name in options.unfiltered_subnets:
        return not_applicable(f"Azure refuses one on {name}")
    services = subnet.texts("delegations.serviceName")
    if services and all(service in options.unfiltered_delegations for service in services):
        return not_applicable(f"it belongs to {', '.join(services)}")
    return fails(f"subnet {name} has no network security group")


joined_by_consent = control(
    "NET-016",
    title="Networks are joined by consent only",
    severity=MEDIUM,
    maps={**EVIDENCE, "pci_dss": ["1.2.5", "1.4.2"]},
    remedy="Accept each attachment yourself, and let the gateway carry only the traffic of its own network.",
)


joined_by_consent_properties = check_properties(
    joined_by_consent,
    Property(
        "aws:ec2transitgateway/transitGateway:TransitGateway",
        "autoAcceptSharedAttachments",
        "disable",
        absent="disable",
        fix="disable",
    ),
)


_FOREIGN = ("allowRemoteVnetTraffic", "allowVirtualWanTraffic")


@joined_by_consent
@applies_to("azure-native:network:VirtualNetworkGateway", reads=_FOREIGN)
@fixed_by(in_turn(*(sets(name, False) for name in _FOREIGN)))
def gateway_carries_its_own(gateway: Resource) -> Verdict:
    opened = [name for name in _FOREIGN if gateway.flag(name)]
    return passes_if(not opened, f"{' and '.join(opened)} is on")
