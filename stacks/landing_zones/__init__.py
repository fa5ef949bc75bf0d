"""One cloud's part of an environment, one module per cloud."""

from collections.abc import Callable, Mapping

from components.common import Cloud
from stacks.environment import Environment
from stacks.landing_zones.aws import AwsLandingZone
from stacks.landing_zones.azure import AzureLandingZone
from stacks.landing_zones.gcp import GcpLandingZone
from stacks.landing_zones.landing_zone import Cluster, LandingZone

LANDING_ZONES: Mapping[Cloud, Callable[[Environment], LandingZone]] = {
    "aws": AwsLandingZone,
    "azure": AzureLandingZone,
    "gcp": GcpLandingZone,
}

__all__ = ["LANDING_ZONES", "AwsLandingZone", "AzureLandingZone", "Cluster", "GcpLandingZone", "LandingZone"]
