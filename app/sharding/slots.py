"""Slots: the fixed number of pieces that keys are spread over, so that a piece can move as a whole."""

from __future__ import annotations

import xxhash

SLOTS = 4096


def slot_of(key: str) -> int:
    """The slot of a key: the same on every machine and for all time, since stored data depends on it.

    What stands behind a slash does not count: `alice/x` is always where `alice` is. Accounts have no slash.
    """
    return xxhash.xxh3_64_intdigest(owner_of(key).encode()) % SLOTS


def owner_of(key: str) -> str:
    """What a key belongs to: `alice` for `alice/x`."""
    return key.partition("/")[0]
