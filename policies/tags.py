"""Tags and labels: what people wrote on a resource."""

from __future__ import annotations

from policies.resource import Resource
from policies.view import View

PLACES = ("tags", "labels", "resourceLabels", "settings.userLabels", "metadata.labels")
"""Where resources keep them: AWS and Azure the first, Google Cloud the next three, Kubernetes the last."""


def tag(resource: View, key: str) -> str:
    """The value of one tag, or nothing; the others may be unknown. A check that asks reads the place of its types."""
    for place in PLACES:
        found = dict(resource.object(place).entries()).get(key)
        if found is not None:
            return View(value={"_": found}, path=f"{place}[{key}]").text("_")
    return ""


def effective_tag(resource: Resource, key: str) -> str:
    """The value of one tag that the resource ends up with: its own, else its provider's default."""
    own = tag(resource, key)
    if own:
        return own
    for place, inner in (("defaultTags", "tags"), ("defaultLabels", "")):
        defaults = resource.provider.document(place)
        found = dict((defaults.object(inner) if inner else defaults).entries()).get(key)
        if found is not None:
            return View(value={"_": found}, path=f"provider.{place}[{key}]").text("_")
    return ""
