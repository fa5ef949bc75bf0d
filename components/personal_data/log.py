"""What the logs of erasures of all clouds have in common."""

from __future__ import annotations

from collections.abc import Mapping

PREFIX = "erasures"
"""The folder of the bucket under which they lie; nothing else is in it, and nothing else may be written."""


def impersonal(tags: Mapping[str, str]) -> dict[str, str]:
    """The tags of what holds pseudonyms and times alone, of persons of whom nothing can be read any more."""
    return {**tags, "personal-data": "false"}
