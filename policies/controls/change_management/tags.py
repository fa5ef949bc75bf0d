"""Whose a resource is, what it costs whom, how its data is classified: told by tags, which clouds call labels, too."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field

from policies import (
    LOW,
    NOT_APPLICABLE,
    Options,
    Resource,
    Verdict,
    View,
    applies_to,
    passes_if,
)
from policies.controls.change_management import control

FILE = Path(__file__).with_name("tagged.yaml")
LABELS = "metadata.labels"
RELEASE = "kubernetes:helm.sh/v3:Release"
"""The one kind of Kubernetes' provider that has no metadata: its chart makes the objects."""


class Tags(Options):
    """What CHG-009 may be told."""

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
def places() -> Mapping[str, str]:
    """The path of tags by resource type."""
    document = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return {token: path for path, types in document.items() for token in types}


def tags_of(resource: Resource) -> Mapping[str, Any] | None:
    """The resource's own tags, each value as the engine wrote it; nothing where its type has no tags."""
    if resource.cloud == "kubernetes":
        path = "" if resource.type == RELEASE else LABELS
    else:
        path = places().get(resource.type, "")
    return dict(resource.object(path).entries()) if path else None


def tag(tags: Mapping[str, Any], key: str) -> str:
    """One of them as text; empty where it is not there."""
    return View(value={"tag": tags.get(key)}, path=key).text("tag")


def _judged(resource: Resource, options: Tags, inherited: Callable[[], View] = lambda: View(value={})) -> Verdict:
    """`inherited` are the tags that the provider gives to all it makes, asked for only where some are missing."""
    own = tags_of(resource)
    if own is None:
        return NOT_APPLICABLE
    missing = [key for key in options.wanted(resource) if not tag(own, key)]
    if missing:
        common = dict(inherited().entries())
        missing = [key for key in missing if not tag(common, key)]
    return passes_if(not missing, f"without {', '.join(missing)}")


@tagged
@applies_to("aws:*", reads=["tags"])
def aws_resource_is_tagged(resource: Resource, options: Tags) -> Verdict:
    return _judged(resource, options, lambda: resource.provider.document("defaultTags").object("tags"))


@tagged
@applies_to("azure-native:*", reads=["tags"])
def azure_resource_is_tagged(resource: Resource, options: Tags) -> Verdict:
    return _judged(resource, options)


@tagged
@applies_to("gcp:*", reads=["labels"])
def gcp_resource_is_labelled(resource: Resource, options: Tags) -> Verdict:
    return _judged(resource, options, lambda: resource.provider.document("defaultLabels"))


@tagged
@applies_to("kubernetes:*", reads=[LABELS])
def kubernetes_object_is_labelled(resource: Resource, options: Tags) -> Verdict:
    return _judged(resource, options)
