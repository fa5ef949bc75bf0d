"""What the ledger is asked, and what it answers."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from app.topology import Place


@dataclass(frozen=True, slots=True)
class Origin:
    """Who asked for a change, and in which request."""

    actor: str
    key: str
    """Idempotency key: the same change is asked for again with the same key."""
    request: str | None = None

    @classmethod
    def of(cls, actor: str, key: str | None = None, request: str | None = None) -> Origin:
        """Make an origin; without a client's key it gets a new one, so a retry stores nothing twice."""
        return cls(actor, f"client:{key}" if key else f"once:{uuid.uuid4()}", request)

    @property
    def metadata(self) -> dict[str, str]:
        """Return what is stored as the event's metadata."""
        return {"actor": self.actor} | ({"request": self.request} if self.request else {})

    def identity(self, *scope: str) -> str:
        """Return an identity that is the same whenever the request is repeated."""
        return uuid.uuid5(_IDENTITIES, "\n".join((*scope, self.key))).hex


_IDENTITIES = uuid.UUID("4b0d7d0e-6a0f-4f0e-9a53-0f3f7c1b8a11")


@dataclass(frozen=True, slots=True)
class Posted:
    """A change that is durably stored."""

    place: Place
    balance: int
    """Available credits right after it."""
    version: int
    """Number of its event in the account's stream."""
    repeated: bool
    """Whether an earlier request with the same idempotency key stored it."""


@dataclass(frozen=True, slots=True)
class Moved:
    """A transfer that is durably made."""

    transfer: str
    source: Posted
    target: Posted


class Balance(NamedTuple):
    """An account as it is now."""

    place: Place
    version: int
    available: int
    reserved: int
    closed: bool


class ReservationLine(NamedTuple):
    """A reservation and what became of it."""

    reservation: str
    opened: int
    """Version of the event that reserved the credits."""
    version: int
    opened_at: datetime
    expires_at: datetime | None
    reserved: int
    captured: int
    held: int
    state: str


class StatementLine(NamedTuple):
    """One thing that happened to an account."""

    version: int
    recorded_at: datetime
    type: str
    change: int
    balance: int
    """Available credits after it."""
    details: Mapping[str, Any]
