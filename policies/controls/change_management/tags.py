"""Whose a resource is, what it costs whom, how its data is classified: told by tags, which clouds call labels, too."""

from __future__ import annotations

import functools
from fnmatch import fnmatchcase
from pathlib import Path

import yaml
from pydantic import Field

from policies import (
    LOW,
    NOT_APPLICABLE,
    Options,
    Resource,
    Verdict,
    applies_to,
    passes_if,
)
from policies.clouds.tags import effective_tag
from policies.controls.change_management import control

FILE = Path(__file__).with_name("tagged.yaml")
RELEASE = "kubernetes:helm.sh/v3:Release"
"""The one kind of Kubernetes' provider that has no metadata: its chart makes the objects."""


class Tags(Options):
    """Options of CHG-009."""

    required_tags: tuple[str, ...] = Field(
        default=("environment", "owner", "cost-centre", "data-classification"),
        description="Tags or labels that every resource must have.",
    )
    expiring_stacks: tuple[str, ...] = Field(
        default=("preview", "preview-*", "*-preview-*"),
        description="Names of stacks, as globs, that are meant to go away.",
    )
    expiry_tag: str = Field(default="expires", description="The tag that resources of such stacks must have as well.")

    def wanted(self, resource: Resource) -> tuple[str, ...]:
        """The tags that the resource must have."""
        expires = any(fnmatchcase(resource.stack, pattern) for pattern in self.expiring_stacks)
        return (*self.required_tags, self.expiry_tag) if expires else self.required_tags


tagged = control(
    "CHG-009",
    title="Resources say whose they are and what is in them",
    severity=LOW,
    maps={"soc2": ["CC6.1"], "iso27001": ["A.5.9", "A.5.12", "A.5.13"], "pci_dss": ["12.5.1"]},
    remedy="Give it the tags that are required, or let the provider give them to all it makes.",
    options=Tags,
)


@functools.cache
def taggable() -> frozenset[str]:
    """The types of clouds that can have tags, as far as they are known here."""
    return frozenset(yaml.safe_load(FILE.read_text(encoding="utf-8")))


def _can_have_tags(resource: Resource) -> bool:
    return resource.type != RELEASE if resource.cloud == "kubernetes" else resource.type in taggable()


def judge_tags(resource: Resource, options: Tags) -> Verdict:
    if not _can_have_tags(resource):
        return NOT_APPLICABLE
    missing = [key for key in options.wanted(resource) if not effective_tag(resource, key)]
    return passes_if(not missing, f"without {', '.join(missing)}")


TAGS_AT = {"aws": "tags", "azure-native": "tags", "gcp": "labels", "kubernetes": "metadata.labels"}
"""Where the resources of each package hold their tags or labels."""
tagged_checks = tuple(tagged(applies_to(f"{package}:*", reads=[path])(judge_tags)) for package, path in TAGS_AT.items())
