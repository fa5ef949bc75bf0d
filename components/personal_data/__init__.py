"""The erasure log, in a locked bucket of the cloud that keeps the master key."""

from __future__ import annotations

from collections.abc import Mapping

PREFIX = "erasures"
"""The folder of the bucket that holds the log; the bucket holds nothing else, and allows no other writes."""


def mark_impersonal(tags: Mapping[str, str]) -> dict[str, str]:
    """Return the tags of a store that holds no personal data: only pseudonyms and times of erased persons."""
    return {**tags, "personal-data": "false"}
