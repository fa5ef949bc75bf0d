"""Accounts from stored events and snapshots, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any

from app.credits.account import NEW, Account, Lot, Reservation, fold
from app.credits.errors import UnreadableEvent
from app.credits.events import SCHEMA_VERSIONS, Event, decode
from app.events import NewSnapshot, PastEvent
from app.events.snapshots import Fold
from app.events.upcasting import AnyEvent, Upcasting

SCHEMA_VERSION = 1
"""Raised with every change of the form or of what folding means: snapshots of another one are read from events."""


def to_state(account: Account) -> dict[str, Any]:
    """Return the account as JSON values."""
    return {
        "version": account.version,
        "permanent": account.permanent,
        "lots": _lots(account.lots),
        "reservations": {
            identity: {
                "lots": _lots(reservation.lots),
                "permanent": reservation.permanent,
                "expires_at": reservation.expires_at and reservation.expires_at.isoformat(),
            }
            for identity, reservation in account.reservations.items()
        },
        "settled": list(account.settled),
        "closed": account.closed,
    }


def from_state(state: Mapping[str, Any]) -> Account:
    """Return the account that was written down; raise UnreadableEvent."""
    try:
        return Account(
            version=state["version"],
            permanent=state["permanent"],
            lots=_read_lots(state["lots"]),
            reservations=MappingProxyType(
                {
                    identity: Reservation(
                        _read_lots(kept["lots"]),
                        kept["permanent"],
                        kept["expires_at"] and datetime.fromisoformat(kept["expires_at"]),
                    )
                    for identity, kept in state["reservations"].items()
                }
            ),
            settled=tuple(state["settled"]),
            closed=state["closed"],
        )
    except (KeyError, TypeError, ValueError) as error:
        raise UnreadableEvent(f"a state cannot be read: {error!r}") from None


def snapshot(account: Account) -> NewSnapshot:
    """Return the account as a snapshot of its stream."""
    return NewSnapshot(SCHEMA_VERSION, to_state(account))


def read_event(stored: AnyEvent) -> Event:
    """Decode a stored event; raise UnreadableEvent, and what upcasting raises."""
    event = UPCASTING.upcast(stored)
    return decode(event.type, event.data)


def _apply(account: Account, stored: PastEvent) -> Account:
    return fold((decode(stored.type, stored.data),), account)


UPCASTING = Upcasting(SCHEMA_VERSIONS)
ACCOUNTS: Fold[Account] = Fold(NEW, _apply, UPCASTING, SCHEMA_VERSION, to_state, from_state)
"""How the events of a stream lead to an account."""


def _lots(lots: Sequence[Lot]) -> list[list[Any]]:
    return [[lot.expires_at.isoformat(), lot.grant, lot.amount] for lot in lots]


def _read_lots(lots: Sequence[Sequence[Any]]) -> tuple[Lot, ...]:
    return tuple(Lot(datetime.fromisoformat(expires_at), grant, amount) for expires_at, grant, amount in lots)
