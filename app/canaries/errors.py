"""Errors of canary tokens and of the decoys that carry them."""

from __future__ import annotations


class CamouflageError(Exception):
    """Base of all errors of decoys; the message says what is wrong and what to do."""


class WrongKey(CamouflageError):
    """The key file is missing, readable by others, or not a camouflage key."""


class ImpossibleBundle(CamouflageError):
    """A token has no room for this place or row number."""
