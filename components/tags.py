"""One set of tags for three clouds; GCP knows them as labels with a smaller alphabet."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

Tags = Mapping[str, str]
"""owner, environment, data-classification, cost-centre, and expiry for what is meant to go away."""

_LONGEST = 63  # Resource Manager, requirements for labels: keys and values of at most 63 characters


def labels(tags: Tags) -> dict[str, str]:
    """The tags as GCP labels, which know fewer letters: `team@example.com` becomes `team-example-com`."""
    return {_label(key): _label(value) for key, value in tags.items()}


def named(tags: Tags, name: str) -> dict[str, str]:
    """The tags with the `Name` that AWS consoles show."""
    return {**tags, "Name": name}


def for_purposes(tags: Tags, purposes: Iterable[str]) -> dict[str, str]:
    """The tags of a key, which also say what it is for, if anything is said, in letters that all three clouds take."""
    said = "-".join(sorted(purposes))
    return {**tags, "purpose": said} if said else dict(tags)


def _label(text: str) -> str:
    return re.sub(r"[^a-z0-9_-]+", "-", text.lower())[:_LONGEST].strip("-")
