"""Ranges of addresses: which are so wide that nobody can know who has them."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_address, ip_network, summarize_address_range

from pydantic import Field

from policies.options import Options
from policies.values import WrongShape

PRIVATE = tuple(
    ip_network(text)
    for text in (
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "fc00::/7",
        "fe80::/10",
        "::1/128",
    )
)
"""Ranges that the internet does not carry: RFC 1918, 4193, 6598, 3927 and 4291. `ipaddress.is_private` is of no use
here: before Python 3.13 it takes 0.0.0.0/0 for private, for its first and its last address are."""


class Ranges(Options):
    """Which ranges count as any address."""

    narrowest_open_prefix: int = Field(
        default=15,
        ge=0,
        le=32,
        description="A public IPv4 range with a prefix of this length or a shorter one counts as any address; an IPv6"
        " range with twice the length.",
    )

    def is_open(self, source: str, path: str) -> bool:
        """Tell whether the range is any address, near enough; raises WrongShape for what is no range."""
        return self.is_wide(network(source, path))

    def any_open(self, sources: Iterable[str], path: str) -> bool:
        """Tell whether one of the ranges is any address; raises WrongShape."""
        return any(self.is_open(source, path) for source in sources)

    def is_wide(self, wanted: IPv4Network | IPv6Network) -> bool:
        """Tell whether a range is public and holds too many addresses."""
        if any(_inside(wanted, private) for private in PRIVATE):
            return False
        return wanted.prefixlen <= self.narrowest_open_prefix * (1 if wanted.version == 4 else 2)


def network(text: str, path: str) -> IPv4Network | IPv6Network:
    """Parse a range in CIDR notation, or one address; raises WrongShape."""
    try:
        return ip_network(text, strict=False)
    except ValueError:
        raise WrongShape(path, "a range of addresses", text) from None


def _inside(one: IPv4Network | IPv6Network, other: IPv4Network | IPv6Network) -> bool:
    return one.version == other.version and one.subnet_of(other)  # type: ignore[arg-type]


class Sources(Ranges):
    """Which sources count as known."""

    trusted_tags: tuple[str, ...] = Field(
        default=("VirtualNetwork", "AzureLoadBalancer", "GatewayManager"),
        description="Azure service tags that stand for known sources; every other one, such as AzureCloud, counts as"
        " any address, for its addresses belong to other customers too.",
    )

    def is_open_tag(self, source: str) -> bool:
        """Tell whether an Azure source, a range or a service tag, is any address."""
        try:
            return self.is_open(source, "")
        except WrongShape:
            return source.casefold() not in {tag.casefold() for tag in self.trusted_tags}

    def spans_open(self, first: str, last: str) -> bool:
        """Tell whether addresses from `first` to `last` are any address; raises WrongShape.

        0.0.0.0 alone is Azure's word for all that runs in Azure, whoever owns it.
        """
        try:
            start, end = ip_address(first), ip_address(last)
            networks: list[IPv4Network | IPv6Network] = list(summarize_address_range(start, end))
        except (ValueError, TypeError):
            raise WrongShape("", "a range of addresses", f"{first}-{last}") from None
        return start == IPv4Address(0) or any(self.is_wide(network_) for network_ in networks)
