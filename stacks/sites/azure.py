"""What an environment has in Azure before databases and clusters: group, identities, network, key."""

from __future__ import annotations

import pulumi

from components.foundation.azure import AzureFoundation, AzureFoundationArgs
from components.identity.azure import AzureIdentities, AzureIdentitiesArgs
from components.keys.azure import AzureKey, AzureKeyArgs
from components.network.azure import AzureNetwork, AzureNetworkArgs
from stacks.environment import Environment
from stacks.providers import provider_for


class AzureSite:
    """Azure as this environment uses it."""

    def __init__(self, environment: Environment) -> None:
        region, account = environment.regions.azure, environment.accounts.azure
        self.provider = provider_for("azure", environment)
        self.options = pulumi.ResourceOptions(provider=self.provider)
        self.name = f"{environment.name}-azure"
        self.foundation = AzureFoundation(
            self.name,
            AzureFoundationArgs(region=region.region, tags=environment.tags, protect=environment.protect),
            self.options,
        )
        self.group = self.foundation.resource_group_name
        self.network = AzureNetwork(
            self.name,
            AzureNetworkArgs(
                region=region.region,
                resource_group_name=self.group,
                zones=region.zones,
                cidr=region.cidr,
                tags=environment.tags,
                peers=environment.peers("azure"),
            ),
            self.options,
        )
        self.key = AzureKey(
            self.name,
            AzureKeyArgs(
                purpose="ledger",
                region=region.region,
                resource_group_name=self.group,
                subscription_id=account.subscription,
                tenant_id=account.tenant,
                tags=environment.tags,
                protect=environment.protect,
            ),
            self.options,
        )
        self.identities = AzureIdentities(
            self.name,
            AzureIdentitiesArgs(resource_group_name=self.group, location=region.region, tags=environment.tags),
            self.options,
        )
