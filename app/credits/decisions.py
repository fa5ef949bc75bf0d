"""Decisions about an account: each returns the events that follow, or raises the reason for refusal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeAlias

from app.credits.account import Account, Reservation, fold
from app.credits.errors import (
    AccountNotEmpty,
    BalanceTooLarge,
    InsufficientCredits,
    ReservationClosed,
    ReservationExceeded,
    ReservationExists,
    UnknownReservation,
)
from app.credits.events import (
    Captured,
    Closed,
    Event,
    Granted,
    GrantExpired,
    Released,
    ReservationExpired,
    Reserved,
    Spent,
    TransferredIn,
    TransferredOut,
)
from app.credits.values import LARGEST_AMOUNT, moment

Decision: TypeAlias = Callable[[Account], Sequence[Event]]


def add(account: Account, event: Granted | TransferredIn) -> Sequence[Event]:
    """Add credits; raise BalanceTooLarge."""
    if account.available + event.amount > LARGEST_AMOUNT:
        raise BalanceTooLarge(f"the balance would be {account.available + event.amount}, more than {LARGEST_AMOUNT}")
    return (event,)


def take(account: Account, event: Spent | TransferredOut | Reserved) -> Sequence[Event]:
    """Use or set aside available credits; raise InsufficientCredits, ReservationExists."""
    if isinstance(event, Reserved) and _is_known(account, event.reservation):
        raise ReservationExists(event.reservation)
    if event.amount > account.available:
        raise InsufficientCredits(event.amount, account.available)
    return (event,)


def capture(account: Account, identity: str, amount: int | None = None, reason: str | None = None) -> Sequence[Event]:
    """Use `amount` of the reserved credits, or all; raise UnknownReservation, Reservation{Closed,Exceeded}."""
    reserved = _open(account, identity).amount
    event = Captured(reserved if amount is None else amount, identity, reason)
    if event.amount > reserved:
        raise ReservationExceeded(event.amount, reserved)
    return (event,)


def release(account: Account, identity: str) -> Sequence[Event]:
    """Give back the rest of a reservation; raise UnknownReservation, ReservationClosed."""
    return (Released(_open(account, identity).amount, identity),)


def close(account: Account, reason: str | None = None) -> Sequence[Event]:
    """Close an empty account; raise AccountNotEmpty."""
    if account.available or account.reserved:
        raise AccountNotEmpty(account.available, account.reserved)
    return (Closed(reason),)


def expire(account: Account, now: datetime) -> Sequence[Event]:
    """Expire what ran out by `now`: first reservations, whose credits may have run out as well, then grants.

    Whatever else is decided is decided on the account behind these events.
    """
    now = moment(now)
    returned = [
        ReservationExpired(reservation.amount, identity)
        for identity, reservation in account.reservations.items()
        if reservation.expires_at is not None and reservation.expires_at <= now
    ]
    lots = fold(returned, account).lots
    return [*returned, *(GrantExpired(lot.amount, lot.grant) for lot in lots if lot.expires_at <= now)]


def _open(account: Account, identity: str) -> Reservation:
    reservation = account.reservations.get(identity)
    if reservation is not None:
        return reservation
    raise ReservationClosed(identity) if identity in account.settled else UnknownReservation(identity)


def _is_known(account: Account, identity: str) -> bool:
    return identity in account.reservations or identity in account.settled
