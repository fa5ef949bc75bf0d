"""The mesh: every pair of networks is joined twice over, both ends agree, and no key is ever in the clear."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network, ip_network
from itertools import combinations
from types import SimpleNamespace
from typing import Any

import pytest

from components.interconnect import Mesh, MeshArgs, NoSharedSecret
from components.interconnect.mesh import derive_key, derive_key_text
from components.interconnect.plan import ASN, Tunnel, aws_azure, aws_gcp, azure_addresses, gcp_azure
from components.network.plan import InvalidNetwork

pytestmark = pytest.mark.slow

VPN, CUSTOMER = "aws:ec2/vpnConnection:VpnConnection", "aws:ec2/customerGateway:CustomerGateway"
AZURE_LINK = "azure-native:network:VirtualNetworkGatewayConnection"
AZURE_PEER, AZURE_GATEWAY = "azure-native:network:LocalNetworkGateway", "azure-native:network:VirtualNetworkGateway"
TUNNEL, PEER, INTERFACE = (
    "gcp:compute/vPNTunnel:VPNTunnel",
    "gcp:compute/routerPeer:RouterPeer",
    "gcp:compute/routerInterface:RouterInterface",
)
FAR = "gcp:compute/externalVpnGateway:ExternalVpnGateway"
TUNNELS = [*aws_azure(), *aws_gcp(), *gcp_azure()]
PAIRS = [("aws", "azure"), ("aws", "gcp"), ("azure", "gcp")]
SEED = "operators-own-secret"
RESERVED = [*(ip_network(f"169.254.{number}.0/30") for number in range(6)), ip_network("169.254.169.252/30")]
"""AWS Site-to-Site VPN, tunnel options: ranges that a tunnel may not have."""


@pytest.fixture(scope="session")
def pair(run: Callable[..., Any], sites: SimpleNamespace) -> Callable[..., Any]:
    """Joins some of the three."""

    def made(*clouds: str, secret: str | None = None) -> Any:
        chosen = {cloud: getattr(sites, cloud) for cloud in clouds}
        return run(lambda opts: Mesh("test", MeshArgs(**chosen, shared_secret=secret), opts) and None)

    return made


def test_the_mesh_is_made_of_well_formed_components(joined: Any) -> None:
    joined.assert_well_formed()


def test_no_two_tunnels_share_an_address() -> None:
    assert not any(IPv4Network(one.cidr).overlaps(IPv4Network(other.cidr)) for one, other in combinations(TUNNELS, 2))


@pytest.mark.parametrize("tunnel", TUNNELS, ids=lambda tunnel: tunnel.key)
def test_a_tunnels_addresses_suit_both_clouds(tunnel: Tunnel) -> None:
    cidr = IPv4Network(tunnel.cidr)
    assert cidr.prefixlen == 30
    assert not any(cidr.overlaps(reserved) for reserved in RESERVED if isinstance(reserved, IPv4Network))
    if "azure" in (tunnel.near, tunnel.far):
        # Azure VPN Gateway, BGP: custom addresses lie within these bounds
        assert IPv4Address("169.254.21.0") <= cidr[0]
        assert cidr[-1] <= IPv4Address("169.254.22.255")


def test_each_cloud_has_a_number_of_its_own_that_azure_does_not_reserve() -> None:
    assert len(set(ASN.values())) == 3
    assert all(64512 <= number <= 65514 for number in ASN.values())


def test_every_pair_is_joined_through_two_gateways() -> None:
    assert [len(tunnels) for tunnels in (aws_azure(), aws_gcp(), gcp_azure())] == [4, 4, 2]
    for tunnels in (aws_azure(), aws_gcp(), gcp_azure()):
        assert {tunnel.gateway for tunnel in tunnels} == {0, 1}


def test_aws_ends_agree_with_azures(joined: Any) -> None:
    for tunnel in aws_azure():
        vpn = joined.named(VPN, f"test-aws-azure-{tunnel.gateway}")
        assert vpn[f"tunnel{tunnel.number + 1}InsideCidr"] == tunnel.cidr
        link = joined.named(AZURE_LINK, f"test-{tunnel.key}")
        order = "first" if tunnel.number == 0 else "second"
        assert link["sharedKey"] == f"test-aws-azure-{tunnel.gateway}-{order}"
        peer = joined.named(AZURE_PEER, f"test-{tunnel.key}")
        assert peer["gatewayIpAddress"] == f"192.0.2.{tunnel.number + 1}"
        assert peer["bgpSettings"] == {"asn": ASN["aws"], "bgpPeeringAddress": tunnel.near_address}
        assert own_address(link, tunnel) == tunnel.far_address


def test_aws_ends_agree_with_googles(joined: Any) -> None:
    for number, tunnel in enumerate(aws_gcp()):
        name = f"test-gcp-aws-{tunnel.gateway}{tunnel.number}"
        end = joined.named(TUNNEL, name)
        assert (
            joined.named(VPN, f"test-aws-gcp-{tunnel.gateway}")[f"tunnel{tunnel.number + 1}InsideCidr"] == tunnel.cidr
        )
        order = "first" if tunnel.number == 0 else "second"
        assert end["sharedSecret"] == f"test-aws-gcp-{tunnel.gateway}-{order}"
        assert end["vpnGatewayInterface"] == tunnel.gateway
        assert end["peerExternalGatewayInterface"] == number
        assert joined.named(INTERFACE, name)["ipRange"] == f"{tunnel.far_address}/30"
        assert joined.named(PEER, name)["peerIpAddress"] == tunnel.near_address
        assert joined.named(PEER, name)["peerAsn"] == ASN["aws"]


def test_googles_ends_agree_with_azures(joined: Any) -> None:
    for tunnel in gcp_azure():
        end = joined.named(TUNNEL, f"test-gcp-azure-{tunnel.gateway}")
        link = joined.named(AZURE_LINK, f"test-{tunnel.key}")
        assert end["sharedSecret"] == link["sharedKey"]
        assert end["vpnGatewayInterface"] == end["peerExternalGatewayInterface"] == tunnel.gateway
        assert joined.named(INTERFACE, end.name)["ipRange"] == f"{tunnel.near_address}/30"
        assert joined.named(PEER, end.name)["peerIpAddress"] == tunnel.far_address
        assert joined.named(PEER, end.name)["peerAsn"] == ASN["azure"]
        peer = joined.named(AZURE_PEER, f"test-{tunnel.key}")
        assert peer["gatewayIpAddress"] == f"198.51.100.{tunnel.gateway + 1}"
        assert peer["bgpSettings"] == {"asn": ASN["gcp"], "bgpPeeringAddress": tunnel.near_address}
        assert own_address(link, tunnel) == tunnel.far_address


def own_address(link: Any, tunnel: Tunnel) -> str:
    """What the instance of Azure's gateway at which the tunnel ends calls itself on it."""
    own: dict[str, str] = {
        address["ipConfigurationId"].rpartition("-")[2]: address["customBgpIpAddress"]
        for address in link["gatewayCustomBgpIpAddresses"]
    }
    return own[str(tunnel.gateway)]


def test_public_addresses_of_the_gateways_reach_the_other_end(joined: Any) -> None:
    customers = {resource.name: resource["ipAddress"] for resource in joined.all(CUSTOMER)}
    assert customers == {
        "test-aws-azure-0": "203.0.113.1",
        "test-aws-azure-1": "203.0.113.2",
        "test-aws-gcp-0": "198.51.100.1",
        "test-aws-gcp-1": "198.51.100.2",
    }
    azure = joined.named(FAR, "test-gcp-azure")
    assert [interface["ipAddress"] for interface in azure["interfaces"]] == ["203.0.113.1", "203.0.113.2"]


def test_google_knows_how_many_ways_lead_to_each_cloud(joined: Any) -> None:
    kinds = {resource.name: resource["redundancyType"] for resource in joined.all(FAR)}
    assert kinds == {"test-gcp-aws": "FOUR_IPS_REDUNDANCY", "test-gcp-azure": "TWO_IPS_REDUNDANCY"}


def test_azures_gateway_carries_traffic_in_both_instances(joined: Any) -> None:
    gateway = joined.only(AZURE_GATEWAY)
    assert gateway["activeActive"] is True
    assert gateway["enableBgp"] is True
    assert len(gateway["ipConfigurations"]) == 2
    assert gateway["sku"]["name"].endswith("AZ")
    own = [address["customBgpIpAddresses"] for address in gateway["bgpSettings"]["bgpPeeringAddresses"]]
    assert own == azure_addresses([*aws_azure(), *gcp_azure()])


def test_an_azure_instance_only_uses_addresses_that_its_gateway_has(joined: Any) -> None:
    gateway = joined.only(AZURE_GATEWAY)["bgpSettings"]["bgpPeeringAddresses"]
    has = {one["ipconfigurationId"]: one["customBgpIpAddresses"] for one in gateway}
    used = [address for link in joined.all(AZURE_LINK) for address in link["gatewayCustomBgpIpAddresses"]]
    assert used
    for address in used:
        assert address["customBgpIpAddress"] in has[address["ipConfigurationId"]]


def test_no_key_is_ever_in_the_clear(joined: Any) -> None:
    keyed = [*joined.all(AZURE_LINK), *joined.all(TUNNEL)]
    assert len(keyed) == 12
    for one in keyed:
        name = "sharedKey" if "sharedKey" in one else "sharedSecret"
        assert one.secrets == {name}
        assert name in one.secret_outputs
    for vpn in joined.all(VPN):
        assert {"tunnel1PresharedKey", "tunnel2PresharedKey"} <= set(vpn.secret_outputs)
        assert "tunnel1PresharedKey" not in vpn
    assert "-first" not in json.dumps(joined.outputs, default=str)


def test_every_tunnel_has_a_key_of_its_own(joined: Any) -> None:
    ends = [resource["sharedKey"] for resource in joined.all(AZURE_LINK)] + [
        resource["sharedSecret"] for resource in joined.all(TUNNEL)
    ]
    uses = Counter(ends)
    assert len(uses) == len(TUNNELS)
    assert sorted(uses.values()) == [1] * 8 + [2] * 2  # both ends of the two tunnels between Azure and Google are here


def test_the_key_between_azure_and_google_comes_from_one_that_aws_made(joined: Any) -> None:
    first = gcp_azure()[0]
    made = joined.named(AZURE_LINK, f"test-{first.key}")["sharedKey"]
    assert made == derive_key_text("test-aws-azure-0-first", first.key)


def test_both_ends_insist_on_the_same_cryptography(joined: Any) -> None:
    for vpn in joined.all(VPN):
        for number in (1, 2):
            assert vpn[f"tunnel{number}IkeVersions"] == ["ikev2"]
            assert vpn[f"tunnel{number}Phase1EncryptionAlgorithms"] == ["AES256"]
            assert vpn[f"tunnel{number}Phase2EncryptionAlgorithms"] == ["AES256-GCM-16"]
            assert vpn[f"tunnel{number}Phase1DhGroupNumbers"] == [20]
    for link in joined.all(AZURE_LINK):
        (policy,) = link["ipsecPolicies"]
        assert (policy["ikeEncryption"], policy["ikeIntegrity"], policy["dhGroup"]) == ("AES256", "SHA384", "ECP384")
        assert (policy["ipsecEncryption"], policy["pfsGroup"]) == ("GCMAES256", "ECP384")
        assert link["connectionProtocol"] == "IKEv2"
    assert {tunnel["ikeVersion"] for tunnel in joined.all(TUNNEL)} == {2}


def test_aws_sends_what_is_meant_for_the_others_into_the_mesh(joined: Any) -> None:
    routes = {
        (resource["routeTableId"], resource["destinationCidrBlock"]) for resource in joined.all("aws:ec2/route:Route")
    }
    assert routes == {(table, cidr) for table in ("rtb-1", "rtb-2") for cidr in ("10.17.0.0/16", "10.18.0.0/16")}
    attachment = joined.only("aws:ec2transitgateway/vpcAttachment:VpcAttachment").urn
    assert all(attachment in resource.depends_on for resource in joined.all("aws:ec2/route:Route"))


def test_google_announces_the_range_of_its_databases_too(joined: Any) -> None:
    bgp = joined.only("gcp:compute/router:Router")["bgp"]
    assert bgp["advertiseMode"] == "CUSTOM"
    assert "10.18.0.0/16" in [one["range"] for one in bgp["advertisedIpRanges"]]


@pytest.mark.parametrize("clouds", PAIRS)
def test_any_two_clouds_can_be_joined(pair: Callable[..., Any], clouds: tuple[str, str]) -> None:
    engine = pair(*clouds, secret=SEED if "aws" not in clouds else None)
    engine.assert_well_formed()
    assert [len(engine.all(kind)) if engine.has(kind) else 0 for kind in (VPN, AZURE_LINK, TUNNEL)] == {
        ("aws", "azure"): [2, 4, 0],
        ("aws", "gcp"): [2, 0, 4],
        ("azure", "gcp"): [0, 2, 2],
    }[clouds]


def test_without_aws_somebody_must_say_the_secret(pair: Callable[..., Any]) -> None:
    with pytest.raises(NoSharedSecret, match="shared_secret is needed"):
        pair("azure", "gcp")


def test_what_somebody_says_is_not_itself_a_key(pair: Callable[..., Any]) -> None:
    engine = pair("azure", "gcp", secret=SEED)
    used = {resource["sharedKey"] for resource in engine.all(AZURE_LINK)}
    assert len(used) == 2
    assert not any(SEED in key for key in used)
    assert all(resource.secrets for resource in engine.all(TUNNEL))


def test_a_derived_key_is_a_secret_like_its_seed(engine: Any) -> None:
    assert engine.run(lambda: derive_key(SEED, "tunnel").is_secret()) is True
    assert derive_key_text(SEED, "one tunnel") != derive_key_text(SEED, "another tunnel")


@pytest.mark.parametrize("clouds", [(), ("aws",), ("gcp",)])
def test_one_cloud_is_no_mesh(pair: Callable[..., Any], clouds: tuple[str, ...]) -> None:
    with pytest.raises(InvalidNetwork, match="two or three clouds are needed"):
        pair(*clouds)


def test_the_other_clouds_ask_azure_for_its_private_names(joined: Any) -> None:
    answering = joined.only("azure-native:dnsresolver:InboundEndpoint")["ipConfigurations"]
    assert [one["privateIpAddress"] for one in answering] == ["10.17.160.68"]
    rule = joined.only("aws:route53/resolverRule:ResolverRule")
    assert (rule["ruleType"], rule["domainName"]) == ("FORWARD", "test.private.postgres.database.azure.com")
    assert [ip["ip"] for ip in rule["targetIps"]] == ["10.17.160.68"]
    zone = joined.only("gcp:dns/managedZone:ManagedZone")
    assert zone["dnsName"] == "test.private.postgres.database.azure.com."
    (target,) = zone["forwardingConfig"]["targetNameServers"]
    assert target == {"ipv4Address": "10.17.160.68", "forwardingPath": "private"}


def test_the_resolver_on_aws_talks_to_that_name_server_only(joined: Any) -> None:
    rules = joined.all("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule")
    assert {(rule["ipProtocol"], rule["fromPort"], rule["toPort"], rule["cidrIpv4"]) for rule in rules} == {
        ("tcp", 53, 53, "10.17.160.68/32"),
        ("udp", 53, 53, "10.17.160.68/32"),
    }


def test_a_cloud_that_is_not_there_asks_nobody(pair: Callable[..., Any]) -> None:
    engine = pair("azure", "gcp", secret=SEED)
    assert engine.only("gcp:dns/managedZone:ManagedZone")
    assert not engine.has("aws:route53/resolverRule:ResolverRule")


def test_without_names_of_its_own_azure_answers_nobody(run: Callable[..., Any], sites: SimpleNamespace) -> None:
    azure = replace(sites.azure, names=None)
    engine = run(lambda opts: Mesh("test", MeshArgs(aws=sites.aws, azure=azure), opts) and None)
    assert not engine.has("azure-native:dnsresolver:DnsResolver")
