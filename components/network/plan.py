"""Address plan of each network, and checks that networks can be joined. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, ip_network
from itertools import combinations

ZONES = 3

_PRIVATE = tuple(map(ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")))  # RFC 1918
_TAKEN = {
    "172.17.0.0/16": "Cloud SQL's own bridge network",
    "172.30.0.0/16": "AKS",
    "172.31.0.0/16": "AKS",
}
_LARGEST, _SMALLEST = 16, 20


class InvalidNetwork(ValueError):
    """A network that could not be built or joined to the others."""


@dataclass(frozen=True, kw_only=True)
class AwsPlan:
    """Three subnets of each kind, one per zone."""

    cluster: tuple[str, ...]
    """For nodes and pods: the CNI gives every pod an address of the VPC."""
    database: tuple[str, ...]
    public: tuple[str, ...]
    """For NAT gateways and load balancers only."""


@dataclass(frozen=True, kw_only=True)
class AzurePlan:
    """Subnets span the zones of a region."""

    cluster: str
    database: str
    endpoints: str
    gateway: str
    control_plane: str
    resolver: str
    resolver_address: str
    """The first free address of the resolver's subnet; Azure reserves the first four and the last."""


@dataclass(frozen=True, kw_only=True)
class GcpPlan:
    """A regional subnet with its secondary ranges, and the range for Cloud SQL in Google's network."""

    nodes: str
    pods: str
    services: str
    database: str
    control_plane: str


def plan_aws(cidr: str) -> AwsPlan:
    """Give three quarters to the clusters, the rest to databases and public subnets."""
    *cluster, rest = _parse(cidr).subnets(prefixlen_diff=2)
    small = list(rest.subnets(prefixlen_diff=3))
    return AwsPlan(cluster=_to_texts(cluster), database=_to_texts(small[0:3]), public=_to_texts(small[4:7]))


def plan_azure(cidr: str) -> AzurePlan:
    """Give a half to the cluster's nodes (pods use an overlay), small subnets to delegated services."""
    cluster, rest = _parse(cidr).subnets(prefixlen_diff=1)
    small = list(rest.subnets(prefixlen_diff=3))
    tiny = list(small[2].subnets(new_prefix=27))
    return AzurePlan(
        cluster=str(cluster),
        database=str(small[0]),
        endpoints=str(small[1]),
        gateway=str(tiny[0]),
        control_plane=str(tiny[1]),
        resolver=str(tiny[2]),
        resolver_address=str(tiny[2][4]),
    )


def plan_gcp(cidr: str) -> GcpPlan:
    """Give a half to pods, an eighth each to nodes, services and databases."""
    pods, rest = _parse(cidr).subnets(prefixlen_diff=1)
    eighths = list(rest.subnets(prefixlen_diff=2))
    return GcpPlan(
        pods=str(pods),
        nodes=str(eighths[0]),
        services=str(eighths[1]),
        database=str(eighths[2]),
        control_plane=str(next(eighths[3].subnets(new_prefix=28))),
    )


def check_disjoint(networks: Mapping[str, str]) -> None:
    """Raise InvalidNetwork if two networks, such as `{"aws": "10.16.0.0/16", …}`, overlap."""
    parsed = {name: _parse(cidr) for name, cidr in networks.items()}
    for (name, first), (other, second) in combinations(parsed.items(), 2):
        if first.overlaps(second):
            raise InvalidNetwork(
                f"networks of {name} ({first}) and {other} ({second}) overlap; give each its own range"
            )


def check_zones(zones: Iterable[str]) -> tuple[str, ...]:
    """Return the zones; raise InvalidNetwork unless there are three different ones."""
    found = tuple(zones)
    if len(found) != ZONES or len(set(found)) != ZONES:
        raise InvalidNetwork(f"zones: {', '.join(found) or 'none'}; exactly {ZONES} different ones are needed")
    return found


def _parse(cidr: str) -> IPv4Network:
    try:
        network = IPv4Network(cidr)
    except ValueError as error:
        raise InvalidNetwork(f"cidr {cidr!r} is not an IPv4 network: {error}") from None
    if not _LARGEST <= network.prefixlen <= _SMALLEST:
        raise InvalidNetwork(f"cidr {cidr}: its length must be /{_LARGEST} to /{_SMALLEST}")
    if not any(network.subnet_of(private) for private in _PRIVATE if isinstance(private, IPv4Network)):
        raise InvalidNetwork(f"cidr {cidr} is not private (10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16)")
    for taken, by in _TAKEN.items():
        if network.overlaps(IPv4Network(taken)):
            raise InvalidNetwork(f"cidr {cidr} overlaps {taken}, which {by} keeps for itself")
    return network


def _to_texts(networks: Iterable[IPv4Network]) -> tuple[str, ...]:
    return tuple(str(network) for network in networks)
