"""Where data may be: regions of three clouds, and which of them are allowed."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase

from pydantic import Field

from policies.options import Options
from policies.verdicts import Verdict, passes_if

EUROPEAN = (
    *("eu-central-1", "eu-north-1", "eu-south-1", "eu-south-2", "eu-west-1", "eu-west-3", "eusc-de-east-1"),
    *("austriaeast", "belgiumcentral", "denmarkeast", "francecentral", "francesouth", "germanynorth"),
    *("germanywestcentral", "italynorth", "northeurope", "norwayeast", "norwaywest", "polandcentral", "spaincentral"),
    *("swedencentral", "swedensouth", "westeurope"),
    *("europe-central2", "europe-north1", "europe-north2", "europe-southwest1", "europe-west1", "europe-west3"),
    *("europe-west4", "europe-west8", "europe-west9", "europe-west10", "europe-west12"),
    *("eu", "eur3", "eur4"),
)
"""Regions of AWS, Azure and Google Cloud in the EU and the EEA, and Google's multi-regions that lie wholly there.

Not among them: London, Zurich and Geneva, and the multi-regions eur5 to eur8, which reach there.
"""

_AWS_ZONE = re.compile(r"([a-z]{2,4}(?:-[a-z]+)+-\d+)[a-z]")
_GCP_ZONE = re.compile(r"([a-z]+-[a-z]+\d+)-[a-z]")
_ONE_REGION = re.compile(r"[a-z]{2,4}(-[a-z]+)+-\d+|[a-z]+-[a-z]+\d+")
_ARN_REGION = 3


class Regions(Options):
    """Where data may be kept."""

    allowed_regions: tuple[str, ...] = Field(
        default=EUROPEAN,
        description="Regions and multi-regions that may hold personal data, as globs over the names that the clouds use"
        " in their APIs; in the EU and the EEA where nothing else is said.",
    )

    def allows(self, region: str) -> bool:
        """Tell whether data may be in this region, or this zone of one."""
        return any(fnmatchcase(region_name(region), pattern.lower()) for pattern in self.allowed_regions)

    def judge(self, regions: tuple[str, ...]) -> Verdict:
        """Tell whether data may be in all of them."""
        outside = sorted({region for region in regions if not self.allows(region)})
        return passes_if(not outside, f"its data is in {', '.join(outside)}")


def region_name(text: str) -> str:
    """The name as APIs write it, of a region, a zone, an ARN, or `Germany West Central`."""
    if text.startswith("arn:"):
        return [*text.split(":"), "", "", "", ""][_ARN_REGION]
    name = text.rpartition("/")[2].lower().replace(" ", "").removeprefix("regional-")
    zone = _AWS_ZONE.fullmatch(name) or _GCP_ZONE.fullmatch(name)
    return zone.group(1) if zone else name


def is_many(location: str) -> bool:
    """Tell whether a location of Google Cloud is more than one region: `EU`, `EUR4`, `nam3`."""
    return _ONE_REGION.fullmatch(region_name(location)) is None


_BOTH_WAYS = (
    *(("australiacentral", "australiacentral2"), ("australiaeast", "australiasoutheast")),
    *(("canadacentral", "canadaeast"), ("centralindia", "southindia"), ("centralus", "eastus2")),
    *(("eastasia", "southeastasia"), ("eastus", "westus"), ("francecentral", "francesouth")),
    *(("germanynorth", "germanywestcentral"), ("japaneast", "japanwest"), ("koreacentral", "koreasouth")),
    *(("northcentralus", "southcentralus"), ("northeurope", "westeurope"), ("norwayeast", "norwaywest")),
    *(("southafricanorth", "southafricawest"), ("swedencentral", "swedensouth"), ("uaecentral", "uaenorth")),
    *(("switzerlandnorth", "switzerlandwest"), ("uksouth", "ukwest"), ("westcentralus", "westus2")),
)
AZURE_PAIRS = {
    **dict(_BOTH_WAYS),
    **{other: one for one, other in _BOTH_WAYS},
    **{"brazilsouth": "southcentralus", "brazilsoutheast": "brazilsouth"},
    **{"westindia": "southindia", "westus3": "eastus"},
}
"""Where Azure keeps the second copy of what is geo-redundant (Azure documentation, list of regions); newer regions have
no such place."""
