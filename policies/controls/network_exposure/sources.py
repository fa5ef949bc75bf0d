"""Where traffic may come from, in the words of Azure too: service tags, and addresses from one to another."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_address, summarize_address_range

from pydantic import Field

from policies import WrongShape
from policies.addresses import Ranges


class Sources(Ranges):
    """Which sources count as known."""

    trusted_tags: tuple[str, ...] = Field(
        default=("VirtualNetwork", "AzureLoadBalancer", "GatewayManager"),
        description="Azure service tags that stand for known sources; every other one, such as AzureCloud, counts as"
        " any address, for its addresses belong to other customers too.",
    )

    def is_open_tag(self, source: str) -> bool:
        """Whether an Azure source, a range or a service tag, is any address."""
        try:
            return self.is_open(source, "")
        except WrongShape:
            return source.casefold() not in {tag.casefold() for tag in self.trusted_tags}

    def spans_open(self, first: str, last: str) -> bool:
        """Whether addresses from `first` to `last` are any address; raises WrongShape.

        0.0.0.0 alone is Azure's word for all that runs in Azure, whoever owns it.
        """
        try:
            start, end = ip_address(first), ip_address(last)
            networks: list[IPv4Network | IPv6Network] = list(summarize_address_range(start, end))
        except (ValueError, TypeError):
            raise WrongShape("", "a range of addresses", f"{first}-{last}") from None
        return start == IPv4Address(0) or any(self.is_wide(one) for one in networks)
