"""What can happen to an account, and how each event is written down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, ClassVar, TypeAlias

from app.credits.errors import UnreadableEvent
from app.credits.values import Text, check_amount, check_text, moment


@dataclass(frozen=True, slots=True)
class _Amount:
    """An amount of whole credits, 1 to LARGEST_AMOUNT."""

    sign: ClassVar[int] = 0
    """What the event does to the available credits: adds (1), takes (-1) or leaves them (0)."""

    amount: int

    def __post_init__(self) -> None:
        check_amount(self.amount)

    @property
    def change(self) -> int:
        """Return what the event adds to the available credits."""
        return self.sign * self.amount


@dataclass(frozen=True, slots=True)
class Granted(_Amount):
    """Credits were given to the account; from `expires_at` on, what is left of them is gone."""

    sign = 1

    reason: Text | None = None
    expires_at: datetime | None = None

    def __post_init__(self) -> None:
        check_amount(self.amount)
        check_text(self.reason, "reason")
        _in_utc(self)


@dataclass(frozen=True, slots=True)
class Spent(_Amount):
    """Credits were used."""

    sign = -1

    reason: Text | None = None

    def __post_init__(self) -> None:
        check_amount(self.amount)
        check_text(self.reason, "reason")


@dataclass(frozen=True, slots=True)
class Reserved(_Amount):
    """Credits were set aside; at `expires_at` what is still reserved goes back."""

    sign = -1

    reservation: str
    reason: Text | None = None
    expires_at: datetime | None = None

    def __post_init__(self) -> None:
        check_amount(self.amount)
        check_text(self.reservation, "reservation")
        check_text(self.reason, "reason")
        _in_utc(self)


@dataclass(frozen=True, slots=True)
class Captured(_Amount):
    """Reserved credits were used; the reservation keeps the rest."""

    reservation: str
    reason: Text | None = None

    def __post_init__(self) -> None:
        check_amount(self.amount)
        check_text(self.reason, "reason")


@dataclass(frozen=True, slots=True)
class Released(_Amount):
    """What was left of a reservation went back."""

    sign = 1

    reservation: str


@dataclass(frozen=True, slots=True)
class ReservationExpired(_Amount):
    """The time of a reservation ran out, and what was left of it went back."""

    sign = 1

    reservation: str


@dataclass(frozen=True, slots=True)
class GrantExpired(_Amount):
    """The time of a grant ran out; `amount` is what was left of it."""

    sign = -1

    grant: int
    """Version of the Granted event."""


@dataclass(frozen=True, slots=True)
class TransferredOut(_Amount):
    """Credits went to another account."""

    sign = -1

    transfer: str
    to: str
    reason: Text | None = None


@dataclass(frozen=True, slots=True)
class TransferredIn(_Amount):
    """Credits came from another account; they do not expire, whatever they did there."""

    sign = 1

    transfer: str
    source: str
    reason: Text | None = None


@dataclass(frozen=True, slots=True)
class Closed:
    """The account ended, empty; nothing follows."""

    change: ClassVar[int] = 0

    reason: Text | None = None

    def __post_init__(self) -> None:
        check_text(self.reason, "reason")


Event: TypeAlias = (
    Granted
    | Spent
    | Reserved
    | Captured
    | Released
    | ReservationExpired
    | GrantExpired
    | TransferredOut
    | TransferredIn
    | Closed
)

KINDS: tuple[type[Event], ...] = (
    Granted,
    Spent,
    Reserved,
    Captured,
    Released,
    ReservationExpired,
    GrantExpired,
    TransferredOut,
    TransferredIn,
    Closed,
)
TYPES: Mapping[str, type[Event]] = {kind.__name__: kind for kind in KINDS}
SCHEMA_VERSIONS: Mapping[str, int] = dict.fromkeys(TYPES, 1)
"""The current form of every type's data; what changes it raises its number, and says how old data gets there."""
_FIELDS: Mapping[type[Event], tuple[str, ...]] = {kind: tuple(field.name for field in fields(kind)) for kind in KINDS}
PERSONAL_FIELDS: Mapping[str, tuple[str, ...]] = {
    kind.__name__: ("reason",) for kind, names in _FIELDS.items() if "reason" in names
}
"""What callers say in their own words, by type of the event: it is stored sealed."""


def encode(event: Event) -> dict[str, Any]:
    """Return the event's data as JSON values, without absent ones; a moment is ISO 8601 text in UTC."""
    data: dict[str, Any] = {}
    for name in _FIELDS[type(event)]:
        value = getattr(event, name)
        if value is not None:
            data[name] = value.isoformat() if isinstance(value, datetime) else value
    return data


def decode(kind: str, data: Mapping[str, Any]) -> Event:
    """Return the event that was written down, in its current form; raise UnreadableEvent."""
    try:
        if "expires_at" in data:
            data = {**data, "expires_at": datetime.fromisoformat(data["expires_at"])}
        return TYPES[kind](**data)
    except KeyError:
        raise UnreadableEvent(f"no event of an account is called {kind!r}") from None
    except (TypeError, ValueError) as error:
        raise UnreadableEvent(f"{kind} cannot be read: {error}") from None


def _in_utc(event: Granted | Reserved) -> None:
    if event.expires_at is not None:
        object.__setattr__(event, "expires_at", moment(event.expires_at))
