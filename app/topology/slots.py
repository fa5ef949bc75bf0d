"""Slots: the fixed number of parts that all keys are divided into. A slot moves between shards as a whole."""

from __future__ import annotations

import xxhash

SLOTS = 4096
"""Number of slots. Stored data depends on it: it never changes."""


def slot_of(key: str) -> int:
    """Return the slot of a key, 0 to SLOTS - 1: the same on every machine and in every release.

    Only the part before the first slash counts: `alice/x` is always in the slot of `alice`. Accounts have no slash.
    """
    return xxhash.xxh3_64_intdigest(owner_of(key).encode()) % SLOTS


def owner_of(key: str) -> str:
    """Return the account that a key belongs to: `alice` for `alice/x`."""
    return key.partition("/")[0]
