"""What an environment has in Google Cloud before databases and clusters: services, identities, network, key."""

from __future__ import annotations

import pulumi

from components.foundation.gcp import GcpFoundation, GcpFoundationArgs
from components.identity.gcp import GcpIdentities, GcpIdentitiesArgs
from components.keys.gcp import GcpKey, GcpKeyArgs
from components.network.gcp import GcpNetwork, GcpNetworkArgs
from stacks.environment import Environment
from stacks.providers import provider_for


class GcpSite:
    """Google Cloud as this environment uses it."""

    def __init__(self, environment: Environment) -> None:
        region, project = environment.regions.gcp, environment.accounts.gcp
        self.provider = provider_for("gcp", environment)
        self.name = f"{environment.name}-gcp"
        foundation = GcpFoundation(
            self.name, GcpFoundationArgs(project=project), pulumi.ResourceOptions(provider=self.provider)
        )
        self.options = pulumi.ResourceOptions(provider=self.provider, depends_on=[foundation])
        self.key = GcpKey(
            self.name,
            GcpKeyArgs(
                purpose="ledger",
                project=project,
                region=region.region,
                tags=environment.tags,
                protect=environment.protect,
            ),
            self.options,
        )
        self.network = GcpNetwork(
            self.name,
            GcpNetworkArgs(
                project=project,
                region=region.region,
                zones=region.zones,
                cidr=region.cidr,
                tags=environment.tags,
                peers=environment.peers("gcp"),
            ),
            self.options,
        )
        self.identities = GcpIdentities(self.name, GcpIdentitiesArgs(project=project), self.options)
