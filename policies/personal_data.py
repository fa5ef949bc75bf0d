"""Which data stores hold personal data: what their tags say, and everything of which no tag says that it does not."""

from __future__ import annotations

from pydantic import Field

from policies.options import Options
from policies.resource import Resource
from policies.tags import effective_tag
from policies.verdicts import not_applicable

PERSONAL, CLASSIFICATION = "personal-data", "data-classification"
IMPERSONAL = not_applicable("it holds no personal data, as its tags say")


class PersonalData(Options):
    """What controls that protect personal data may be told."""

    impersonal_classifications: tuple[str, ...] = Field(
        default=("public", "internal"),
        description="Values of the tag data-classification that say that a store holds no personal data. Any other"
        " value, and none, says that it does, unless the tag personal-data is false.",
    )

    def is_in(self, store: Resource) -> bool:
        """Whether the store counts as holding personal data."""
        said = effective_tag(store, PERSONAL)
        if said:
            return said.lower() != "false"
        return effective_tag(store, CLASSIFICATION).lower() not in self.impersonal_classifications
