"""DNS across the mesh: the other clouds forward queries for the names of Azure's databases to Azure.

RDS names are public and resolve to private addresses, and the directory holds Cloud SQL's addresses. Only the names of
flexible servers exist in a private zone alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
from pulumi_aws import ec2, route53, vpc
from pulumi_azure_native import dnsresolver
from pulumi_gcp import dns

from components import naming
from components.common import add_name, child_of, to_labels


@dataclass(frozen=True, kw_only=True)
class AzureNames:
    """The network that resolves the names."""

    region: str
    resource_group_name: pulumi.Input[str]
    vnet_id: pulumi.Input[str]
    resolver_subnet_id: pulumi.Input[str]
    """Delegated to the resolver."""
    resolver_address: str
    """The resolver's address in that subnet."""
    zone: pulumi.Input[str]
    """Private zone of the databases."""


@dataclass(frozen=True, kw_only=True)
class AwsAsker:
    """A network on AWS that resolves the names."""

    vpc_id: pulumi.Input[str]
    subnet_ids: Sequence[pulumi.Input[str]]
    """Two or more, for the resolver's endpoints."""


@dataclass(frozen=True, kw_only=True)
class GcpAsker:
    """A network on Google Cloud that resolves the names."""

    project: str
    network_id: pulumi.Input[str]


@dataclass(frozen=True, kw_only=True)
class MeshNamesArgs:
    azure: AzureNames
    tags: Mapping[str, str]
    aws: AwsAsker | None = None
    gcp: GcpAsker | None = None


class MeshNames(pulumi.ComponentResource):
    """A resolver in Azure's network, and forwarding zones in the other networks."""

    def __init__(self, name: str, args: MeshNamesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("livingfortress:interconnect:MeshNames", name, None, opts)
        self._child = child_of(self, opts)
        self._answer(name, args)
        if args.aws:
            AwsForwarding(name, args.aws, args, self._child)
        if args.gcp:
            self._forward_from_gcp(name, args.gcp, args)
        self.register_outputs({"address": args.azure.resolver_address})

    def _answer(self, name: str, args: MeshNamesArgs) -> None:
        child = self._child
        place = {
            "resource_group_name": args.azure.resource_group_name,
            "location": args.azure.region,
            "tags": args.tags,
        }
        resolver = dnsresolver.DnsResolver(
            name,
            dns_resolver_name=naming.fit(naming.AZURE_RESOURCE, name),
            virtual_network=dnsresolver.SubResourceArgs(id=args.azure.vnet_id),
            **place,
            opts=child,
        )
        dnsresolver.InboundEndpoint(
            name,
            inbound_endpoint_name=naming.fit(naming.AZURE_RESOURCE, name, "inbound"),
            dns_resolver_name=resolver.name,
            ip_configurations=[
                dnsresolver.IpConfigurationArgs(
                    subnet=dnsresolver.SubResourceArgs(id=args.azure.resolver_subnet_id),
                    private_ip_allocation_method="Static",
                    private_ip_address=args.azure.resolver_address,
                )
            ],
            **place,
            opts=child,
        )

    def _forward_from_gcp(self, name: str, asker: GcpAsker, args: MeshNamesArgs) -> None:
        dns.ManagedZone(
            name,
            name=naming.fit(naming.GCP_RESOURCE, name, "azure-databases"),
            project=asker.project,
            dns_name=pulumi.Output.concat(args.azure.zone, "."),
            description="Names of the databases on Azure",
            visibility="private",
            private_visibility_config=dns.ManagedZonePrivateVisibilityConfigArgs(
                networks=[dns.ManagedZonePrivateVisibilityConfigNetworkArgs(network_url=asker.network_id)]
            ),
            forwarding_config=dns.ManagedZoneForwardingConfigArgs(
                target_name_servers=[
                    dns.ManagedZoneForwardingConfigTargetNameServerArgs(
                        ipv4_address=args.azure.resolver_address, forwarding_path="private"
                    )
                ]
            ),
            labels=to_labels(args.tags),
            opts=self._child,
        )


class AwsForwarding(pulumi.ComponentResource):
    """Forward queries for the zone from Route 53 to the resolver on Azure."""

    def __init__(self, name: str, asker: AwsAsker, args: MeshNamesArgs, opts: pulumi.ResourceOptions) -> None:
        super().__init__("livingfortress:interconnect:AwsForwarding", name, None, opts)
        child = child_of(self, opts)
        group = ec2.SecurityGroup(
            name,
            name=naming.fit(naming.SECURITY_GROUP, name, "resolver"),
            description="Questions to the name server on Azure",
            vpc_id=asker.vpc_id,
            tags=add_name(args.tags, f"{name}-resolver"),
            opts=child,
        )
        for protocol in ("tcp", "udp"):
            vpc.SecurityGroupEgressRule(
                f"{name}-{protocol}",
                security_group_id=group.id,
                description="Questions to the name server on Azure",
                ip_protocol=protocol,
                from_port=53,
                to_port=53,
                cidr_ipv4=f"{args.azure.resolver_address}/32",
                tags=args.tags,
                opts=child,
            )
        endpoint = route53.ResolverEndpoint(
            name,
            name=naming.fit(naming.RESOLVER, name),
            direction="OUTBOUND",
            security_group_ids=[group.id],
            ip_addresses=[route53.ResolverEndpointIpAddressArgs(subnet_id=subnet) for subnet in asker.subnet_ids],
            tags=args.tags,
            opts=child,
        )
        rule = route53.ResolverRule(
            name,
            name=naming.fit(naming.RESOLVER, name),
            domain_name=args.azure.zone,
            rule_type="FORWARD",
            resolver_endpoint_id=endpoint.id,
            target_ips=[route53.ResolverRuleTargetIpArgs(ip=args.azure.resolver_address, port=53)],
            tags=args.tags,
            opts=child,
        )
        route53.ResolverRuleAssociation(
            name,
            name=naming.fit(naming.RESOLVER, name),
            resolver_rule_id=rule.id,
            vpc_id=asker.vpc_id,
            opts=child,
        )
        self.register_outputs({"endpointId": endpoint.id})
