"""An account as its events left it. No I/O, no clock."""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple

from app.credits.errors import ImpossibleEvent
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

REMEMBERED = 100
"""How many reservations an account remembers after they were closed, the last ones; so its state stays small."""


class Lot(NamedTuple):
    """What is left of a grant that expires. Lots are ordered as they are used: what expires first goes first."""

    expires_at: datetime
    grant: int
    """Version of the Granted event."""
    amount: int


@dataclass(frozen=True, slots=True)
class Reservation:
    """Credits that are set aside, each still with the time at which it would have expired."""

    lots: tuple[Lot, ...]
    permanent: int
    """Credits among them that do not expire."""
    expires_at: datetime | None = None

    @property
    def amount(self) -> int:
        """Return the credits that are still reserved."""
        return self.permanent + sum(lot.amount for lot in self.lots)


@dataclass(frozen=True, slots=True)
class Account:
    """An account after `version` events."""

    version: int = 0
    permanent: int = 0
    """Available credits that do not expire."""
    lots: tuple[Lot, ...] = ()
    """Available credits that do, in the order in which they are used."""
    reservations: Mapping[str, Reservation] = field(default_factory=lambda: MappingProxyType({}))
    """The open ones."""
    settled: tuple[str, ...] = ()
    """Reservations that were closed lately."""
    closed: bool = False

    @property
    def available(self) -> int:
        """Return the credits that can be used: the stream's running total."""
        return self.permanent + sum(lot.amount for lot in self.lots)

    @property
    def reserved(self) -> int:
        """Return the credits that are set aside."""
        return sum(reservation.amount for reservation in self.reservations.values())

    @property
    def due(self) -> datetime | None:
        """Return the first moment at which something expires."""
        expiries = (reservation.expires_at for reservation in self.reservations.values())
        moments = [expires_at for expires_at in expiries if expires_at is not None]
        if self.lots:
            moments.append(self.lots[0].expires_at)
        return min(moments, default=None)


NEW = Account()
"""An account to which nothing has happened."""


def fold(events: Iterable[Event], account: Account = NEW) -> Account:
    """Return the account after these further events; raise ImpossibleEvent."""
    folding = _Folding(account)
    for event in events:
        folding.version += 1
        _FOLDS[type(event)](folding, event)
    return folding.account()


class _Folding:
    """An account while events are applied to it."""

    def __init__(self, account: Account) -> None:
        self.version = account.version
        self._permanent = account.permanent
        self._lots = list(account.lots)
        self._reservations = dict(account.reservations)
        self._settled = list(account.settled)
        self._closed = account.closed

    def account(self) -> Account:
        return Account(
            self.version,
            self._permanent,
            tuple(self._lots),
            MappingProxyType(self._reservations),
            tuple(self._settled[-REMEMBERED:]),
            self._closed,
        )

    def granted(self, event: Granted) -> None:
        if event.expires_at is None:
            self._permanent += event.amount
        else:
            insort(self._lots, Lot(event.expires_at, self.version, event.amount))

    def added(self, event: TransferredIn) -> None:
        self._permanent += event.amount

    def taken(self, event: Spent | TransferredOut) -> None:
        self._take(event.amount)

    def reserved(self, event: Reserved) -> None:
        if event.reservation in self._reservations:
            raise self._impossible(f"reservation {event.reservation} is open already")
        lots, permanent = self._take(event.amount)
        self._reservations[event.reservation] = Reservation(tuple(lots), permanent, event.expires_at)

    def captured(self, event: Captured) -> None:
        reservation = self._open(event.reservation, event.amount)
        lots = list(reservation.lots)
        _, from_permanent = take(lots, event.amount)
        rest = Reservation(tuple(lots), reservation.permanent - from_permanent, reservation.expires_at)
        if rest.amount:
            self._reservations[event.reservation] = rest
        else:
            self._settle(event.reservation)

    def released(self, event: Released | ReservationExpired) -> None:
        reservation = self._open(event.reservation, event.amount)
        if reservation.amount != event.amount:
            raise self._impossible(f"reservation {event.reservation} holds {reservation.amount}, not {event.amount}")
        self._permanent += reservation.permanent
        for lot in reservation.lots:
            self._give_back(lot)
        self._settle(event.reservation)

    def grant_expired(self, event: GrantExpired) -> None:
        for place, lot in enumerate(self._lots):
            if (lot.grant, lot.amount) == (event.grant, event.amount):
                del self._lots[place]
                return
        raise self._impossible(f"nothing is left of grant {event.grant}, or not {event.amount}")

    def ended(self, _: Closed) -> None:
        self._closed = True

    def _take(self, amount: int) -> tuple[list[Lot], int]:
        taken, permanent = take(self._lots, amount)
        self._permanent -= permanent
        if self._permanent < 0:
            raise self._impossible(f"{-self._permanent} credits are missing")
        return taken, permanent

    def _give_back(self, lot: Lot) -> None:
        for place, there in enumerate(self._lots):
            if there.grant == lot.grant:
                self._lots[place] = there._replace(amount=there.amount + lot.amount)
                return
        insort(self._lots, lot)

    def _open(self, identity: str, amount: int) -> Reservation:
        reservation = self._reservations.get(identity)
        if reservation is None or reservation.amount < amount:
            raise self._impossible(f"reservation {identity} does not hold {amount}")
        return reservation

    def _settle(self, identity: str) -> None:
        del self._reservations[identity]
        self._settled.append(identity)

    def _impossible(self, why: str) -> ImpossibleEvent:
        return ImpossibleEvent(f"event {self.version} cannot have happened: {why}")


def take(lots: list[Lot], amount: int) -> tuple[list[Lot], int]:
    """Take credits out of `lots`, the earliest to expire first; what was taken, and how much the lots lacked."""
    taken: list[Lot] = []
    while amount and lots:
        first = lots[0]
        if first.amount > amount:
            lots[0] = first._replace(amount=first.amount - amount)
            return [*taken, first._replace(amount=amount)], 0
        taken.append(lots.pop(0))
        amount -= first.amount
    return taken, amount


_FOLDS: Mapping[type[Event], Callable[[_Folding, Any], None]] = {
    Granted: _Folding.granted,
    Spent: _Folding.taken,
    Reserved: _Folding.reserved,
    Captured: _Folding.captured,
    Released: _Folding.released,
    ReservationExpired: _Folding.released,
    GrantExpired: _Folding.grant_expired,
    TransferredOut: _Folding.taken,
    TransferredIn: _Folding.added,
    Closed: _Folding.ended,
}
