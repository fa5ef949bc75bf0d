"""One explicit provider a cloud, bound to the account that the settings name."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws
import pulumi_azure_native as azure_native
import pulumi_gcp as gcp

from components.common import Cloud
from stacks.environment import Environment


def provider_for(cloud: Cloud, environment: Environment) -> pulumi.ProviderResource:
    """The provider that every resource of `cloud` uses; a real plugin refuses credentials of another account."""
    name = f"{environment.name}-{cloud}"
    accounts, regions = environment.accounts, environment.regions
    provider: pulumi.ProviderResource
    match cloud:
        case "aws":
            provider = aws.Provider(name, region=regions.aws.region, allowed_account_ids=[accounts.aws])
        case "azure":
            provider = azure_native.Provider(
                name,
                location=regions.azure.region,
                subscription_id=accounts.azure.subscription,
                tenant_id=accounts.azure.tenant,
            )
        case "gcp":
            provider = gcp.Provider(name, project=accounts.gcp, region=regions.gcp.region)
    return provider
