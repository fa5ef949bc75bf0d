"""Numbers of the private mesh: BGP ASNs, and the address of each end of each tunnel. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network

from components.common import Cloud

ASN = {"aws": 64512, "azure": 64513, "gcp": 64514}
"""Private ASNs (RFC 6996) that no cloud reserves; Azure reserves 65515 to 65520."""

REDUNDANCY = 2
"""Gateways per cloud, and tunnels per AWS connection."""

_AZURE_RANGES = ("169.254.21.0/24", "169.254.22.0/24")
"""Azure accepts BGP addresses from 169.254.21.0 to 169.254.22.255; one half for each of its gateways."""
_AWS_GCP_RANGE = "169.254.30.0/24"


@dataclass(frozen=True, kw_only=True)
class Tunnel:
    """One tunnel; the near end has the first usable address, the far end the second."""

    near: Cloud
    far: Cloud
    gateway: int
    """The far gateway: 0 or 1."""
    number: int
    """The tunnel between the same two gateways: 0 or 1."""
    cidr: str

    @property
    def key(self) -> str:
        return f"{self.near}-{self.far}-{self.gateway}{self.number}"

    @property
    def near_address(self) -> str:
        return str(IPv4Network(self.cidr)[1])

    @property
    def far_address(self) -> str:
        return str(IPv4Network(self.cidr)[2])

    @property
    def near_interface(self) -> str:
        """The near end's address with the prefix length."""
        return f"{self.near_address}/30"

    @property
    def far_interface(self) -> str:
        return f"{self.far_address}/30"


def aws_azure() -> list[Tunnel]:
    """Return four tunnels: the two of an AWS connection to each of Azure's two gateways."""
    return [
        Tunnel(near="aws", far="azure", gateway=gateway, number=number, cidr=_get_block(_AZURE_RANGES[gateway], number))
        for gateway in range(REDUNDANCY)
        for number in range(REDUNDANCY)
    ]


def aws_gcp() -> list[Tunnel]:
    """Return four tunnels: the two of an AWS connection to each of Google's two interfaces."""
    return [
        Tunnel(
            near="aws",
            far="gcp",
            gateway=gateway,
            number=number,
            cidr=_get_block(_AWS_GCP_RANGE, gateway * REDUNDANCY + number),
        )
        for gateway in range(REDUNDANCY)
        for number in range(REDUNDANCY)
    ]


def gcp_azure() -> list[Tunnel]:
    """Return two tunnels, one per pair of interface and gateway: each Azure gateway supports one peer."""
    return [
        Tunnel(near="gcp", far="azure", gateway=gateway, number=0, cidr=_get_block(_AZURE_RANGES[gateway], REDUNDANCY))
        for gateway in range(REDUNDANCY)
    ]


def azure_addresses(tunnels: list[Tunnel]) -> list[list[str]]:
    """Return the BGP addresses of each of Azure's two gateways."""
    return [[tunnel.far_address for tunnel in tunnels if tunnel.gateway == gateway] for gateway in range(REDUNDANCY)]


def _get_block(range_: str, index: int) -> str:
    return str(list(IPv4Network(range_).subnets(new_prefix=30))[index])
