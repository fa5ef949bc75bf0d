"""What the camouflage API is refused by, each reason a type of its own."""

from __future__ import annotations


class CamouflageError(Exception):
    """The message says what is wrong, and what to do."""


class WrongKey(CamouflageError):
    """The key file is missing, open to others, or no key of the camouflage."""


class NotADecoy(CamouflageError):
    """A database holds accounts that are nobody's decoys, or decoys of another key."""


class ImpossibleBundle(CamouflageError):
    """So many rows, or such a place, cannot be told apart."""
