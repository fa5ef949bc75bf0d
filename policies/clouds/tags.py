"""Tags and labels: what people wrote on a resource, and what its provider writes on all that it makes."""

from __future__ import annotations

from collections.abc import Mapping

from policies.resource import Cloud, Resource
from policies.view import View

_PLACES: Mapping[Cloud, str] = {"aws": "tags", "azure": "tags", "gcp": "labels", "kubernetes": "metadata.labels"}
_OWN_PLACES = {
    "gcp:container/cluster:Cluster": "resourceLabels",
    "gcp:sql/databaseInstance:DatabaseInstance": "settings.userLabels",
}
"""Where types keep them that do not do as their cloud does."""


def place_of(resource: Resource) -> str:
    """Return the path at which the resource keeps them; nothing where it belongs to no cloud."""
    return _OWN_PLACES.get(resource.type) or _PLACES.get(resource.cloud, "")


def tags_of(resource: Resource) -> Mapping[str, View]:
    """Return the resource's own tags, each to be read by `text("_")`, so that one that is unknown hides no other."""
    place = place_of(resource)
    return _readable(resource.object(place), place) if place else {}


def tag(resource: Resource, key: str) -> str:
    """Return the value of one tag, or nothing; the others may be unknown."""
    return _text(tags_of(resource), key)


def effective_tag(resource: Resource, key: str) -> str:
    """Return the value of one tag that the resource ends up with: its own, else its provider's default."""
    own = tag(resource, key)
    if own:
        return own
    for place, inner in (("defaultTags", "tags"), ("defaultLabels", "")):
        defaults = resource.provider.document(place)
        found = _text(_readable(defaults.object(inner) if inner else defaults, f"provider.{place}"), key)
        if found:
            return found
    return ""


def _readable(table: View, place: str) -> Mapping[str, View]:
    return {key: View(value={"_": value}, path=f"{place}[{key}]") for key, value in table.entries()}


def _text(tags: Mapping[str, View], key: str) -> str:
    return tags[key].text("_") if key in tags else ""
