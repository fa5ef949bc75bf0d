"""The whole estate of an environment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from stacks.environment import Environment
from stacks.sites.aws import AwsSite
from stacks.sites.azure import AzureSite
from stacks.sites.gcp import GcpSite

SITES = {"aws": AwsSite, "azure": AzureSite, "gcp": GcpSite}


@dataclass
class Estate:
    def outputs(self) -> dict[str, Any]:
        return {}


def build(environment: Environment) -> Estate:
    for cloud in environment.clouds:
        SITES[cloud](environment)
    return Estate()
