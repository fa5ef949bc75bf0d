"""Errors of the camouflage API and of the commands that prepare it."""

from __future__ import annotations

from app.canaries.errors import CamouflageError


class NotADecoy(CamouflageError):
    """A database was not prepared for decoys, or was prepared with another key."""


class WrongBehaviourModel(CamouflageError):
    """A file holds no valid behaviour model; the message says where."""


class TooFewAccounts(CamouflageError):
    """A measurement of so few accounts could reveal one of them."""


class WrongReasons(CamouflageError):
    """A file holds no valid reasons; the message says where."""


class WrongProfile(CamouflageError):
    """A profile, or the metrics to build one from, cannot be read; the message says where."""
