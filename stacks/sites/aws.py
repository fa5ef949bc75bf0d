"""What an environment has in AWS before databases and clusters: provider, key, network."""

from __future__ import annotations

import pulumi

from components.keys.aws import AwsKey, AwsKeyArgs
from components.network.aws import AwsNetwork, AwsNetworkArgs
from stacks.environment import Environment
from stacks.providers import provider_for


class AwsSite:
    """AWS as this environment uses it."""

    def __init__(self, environment: Environment) -> None:
        region, account = environment.regions.aws, environment.accounts.aws
        self.provider = provider_for("aws", environment)
        self.options = pulumi.ResourceOptions(provider=self.provider)
        self.name = f"{environment.name}-aws"
        self.key = AwsKey(
            self.name,
            AwsKeyArgs(
                purpose="ledger",
                account_id=account,
                tags=environment.tags,
                via_services=(f"rds.{region.region}.amazonaws.com", f"secretsmanager.{region.region}.amazonaws.com"),
                log_regions=(region.region,),
                protect=environment.protect,
            ),
            self.options,
        )
        self.network = AwsNetwork(
            self.name,
            AwsNetworkArgs(
                region=region.region,
                zones=region.zones,
                cidr=region.cidr,
                tags=environment.tags,
                peers=environment.peers("aws"),
                log_key_arn=self.key.arn,
            ),
            self.options,
        )
