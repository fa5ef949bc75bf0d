"""An account's state as a snapshot keeps it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any

from app.credits.account import Account, Lot, Reservation
from app.credits.errors import UnreadableEvent

SCHEMA_VERSION = 1
"""Raised with every change of the form or of what folding means: snapshots of another one are read from events."""


def to_state(account: Account) -> dict[str, Any]:
    """The account as JSON values, without its version."""
    return {
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


def from_state(version: int, schema_version: int, state: Mapping[str, Any]) -> Account:
    """The account that was written down after `version` events; raises UnreadableEvent."""
    if schema_version != SCHEMA_VERSION:
        raise UnreadableEvent(f"a state of schema version {schema_version} is not known here")
    try:
        return Account(
            version=version,
            permanent=state["permanent"],
            lots=_read_lots(state["lots"]),
            reservations=MappingProxyType(
                {
                    identity: Reservation(
                        _read_lots(each["lots"]),
                        each["permanent"],
                        each["expires_at"] and datetime.fromisoformat(each["expires_at"]),
                    )
                    for identity, each in state["reservations"].items()
                }
            ),
            settled=tuple(state["settled"]),
            closed=state["closed"],
        )
    except (KeyError, TypeError, ValueError) as error:
        raise UnreadableEvent(f"a state cannot be read: {error!r}") from None


def _lots(lots: Sequence[Lot]) -> list[list[Any]]:
    return [[lot.expires_at.isoformat(), lot.grant, lot.amount] for lot in lots]


def _read_lots(lots: Sequence[Sequence[Any]]) -> tuple[Lot, ...]:
    return tuple(Lot(datetime.fromisoformat(expires_at), grant, amount) for expires_at, grant, amount in lots)
