"""The life of a real ledger, for comparison: customers on plans, who use, order, top up, pay one another, and leave.

It shares nothing with the decoys' generator but the ledger's own rules: days are lived one after the other, amounts and
times follow from what people are and want, and no number here was taken from there.
"""

from __future__ import annotations

import calendar
import random
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from app.credits import Origin, decisions
from app.credits.account import NEW, Account, fold
from app.credits.events import (
    Captured,
    Event,
    Granted,
    Released,
    Reserved,
    Spent,
    TransferredIn,
    TransferredOut,
)

PLANS = {"basic": (60, 200), "plus": (30, 600), "pro": (10, 2000)}
"""Weight, and credits a month."""
DAYTIME = [1, 1, 1, 1, 1, 2, 4, 8, 12, 14, 14, 13, 12, 12, 13, 13, 12, 12, 13, 14, 13, 9, 5, 2]
WEEK = [1.0, 1.05, 1.0, 1.0, 1.1, 0.75, 0.6]
PRICES = [5, 10, 15, 20, 25, 40, 50, 60, 75, 90, 120, 150, 240]
TEXTS = {
    "plan": "monthly plan",
    "topup": "top-up by card",
    "welcome": "welcome",
    "usage": "usage of {month}",
    "order": "order {number}",
    "basket": "basket {number}",
    "gift": "settling up",
}
MONTHS = calendar.month_name[1:]


@dataclass
class Customer:
    """One account."""

    name: str
    plan: str
    joined: datetime
    leaves: datetime
    a_day: float
    price: float
    orders: float
    friends: list[Customer] = field(default_factory=list)
    state: Account = NEW
    history: list[tuple[Event, datetime]] = field(default_factory=list)

    def record(self, event: Event, at: datetime) -> None:
        self.state = fold((event,), self.state)
        self.history.append((event, at))


class Life:
    """A ledger from its first day to `until`."""

    def __init__(self, customers: int, until: datetime, seed: int, days: int = 380) -> None:
        self._random = random.Random(seed)
        self._until = until
        self._later: list[tuple[datetime, Customer, str, int]] = []
        self.customers = [self._customer(days) for _ in range(customers)]
        for customer in self.customers:
            circle = self._random.randint(0, 4)
            customer.friends = [
                each for each in self._random.sample(self.customers, min(circle, customers)) if each is not customer
            ]

    def lived(self) -> list[Customer]:
        """All customers with what happened to them."""
        day = min(customer.joined for customer in self.customers).replace(hour=0, minute=0, second=0, microsecond=0)
        while day < self._until:
            todo = [(at, customer, what) for customer in self.customers for at, what in self._plans(customer, day)]
            todo += [
                (at, customer, f"end {name} {rest}")
                for at, customer, name, rest in self._later
                if at.date() == day.date()
            ]
            self._later = [each for each in self._later if each[0].date() != day.date()]
            for at, customer, what in sorted(todo, key=lambda each: each[0]):
                if at < self._until:
                    self._do(customer, what, at)
            day += timedelta(days=1)
        for customer in self.customers:
            self._expire(customer, self._until)
        return self.customers

    def _customer(self, days: int) -> Customer:
        r = self._random
        plan = r.choices(list(PLANS), [weight for weight, _ in PLANS.values()])[0]
        joined = self._until - timedelta(days=days * r.random() ** 1.3 + 0.1)
        leaves = joined + timedelta(days=r.expovariate(1 / 700) + 3)
        scale = {"basic": 1.0, "plus": 1.8, "pro": 3.5}[plan]
        return Customer(
            name=str(uuid.UUID(int=r.getrandbits(128), version=4)),
            plan=plan,
            joined=joined,
            leaves=leaves,
            a_day=min(4.0, r.lognormvariate(-1.4, 0.7) * scale**0.5),
            price=r.lognormvariate(2.3, 0.5) * scale**0.6,
            orders=r.random() ** 3 * 0.12,
        )

    def _plans(self, customer: Customer, day: datetime) -> list[tuple[datetime, str]]:
        r = self._random
        tomorrow = day + timedelta(days=1)
        if tomorrow <= customer.joined or day > min(customer.leaves, self._until):
            return []
        if day <= customer.joined < tomorrow:
            return [(customer.joined, "welcome"), (customer.joined + timedelta(seconds=r.uniform(20, 400)), "plan")]
        found = []
        if day.day == min(28, customer.joined.day):
            found.append((day + timedelta(hours=3, seconds=r.uniform(0, 900)), "plan"))
        for what, mean in (("usage", customer.a_day * WEEK[day.weekday()]), ("basket", customer.orders)):
            found += [(self._daytime(day), what) for _ in range(self._poisson(mean))]
        if customer.friends and r.random() < 0.012:
            found.append((self._daytime(day), "gift"))
        return found

    def _do(self, customer: Customer, what: str, at: datetime) -> None:
        self._expire(customer, at)
        if customer.state.closed:
            return
        if what in ("welcome", "plan"):
            amount = 50 if what == "welcome" else PLANS[customer.plan][1]
            expires_at = (
                at.replace(microsecond=0) + timedelta(days=90) if customer.plan == "basic" and what == "plan" else None
            )
            customer.record(Granted(amount, self._text(what, at), expires_at), at)
        elif what == "usage":
            amount = max(1, round(customer.price * self._random.lognormvariate(0, 0.6)))
            if self._has(customer, amount, at):
                customer.record(Spent(amount, self._text("usage", at)), self._after(customer, at))
        elif what == "basket":
            self._order(customer, at)
        elif what == "gift":
            self._gift(customer, at)
        else:
            _, name, rest = what.split()
            self._end(customer, name, rest, at)

    def _has(self, customer: Customer, amount: int, at: datetime) -> bool:
        if customer.state.available >= amount:
            return True
        if self._random.random() < 0.45:
            return False
        topup = next((each for each in (100, 250, 500, 1000) if each >= amount), 2000)
        customer.record(Granted(topup, TEXTS["topup"]), at - timedelta(seconds=self._random.uniform(15, 90)))
        return True

    def _order(self, customer: Customer, at: datetime) -> None:
        amount = self._random.choice(PRICES)
        if not self._has(customer, amount, at):
            return
        identity = Origin("", f"once:{uuid.UUID(int=self._random.getrandbits(128), version=4)}").identity(
            "reservation", customer.name
        )
        expires_at = at.replace(microsecond=0) + timedelta(days=7)
        customer.record(Reserved(amount, identity, self._text("basket", at), expires_at), self._after(customer, at))
        fate = self._random.random()
        if fate < 0.85:
            ends = at + timedelta(seconds=self._random.lognormvariate(9.5, 1.3))
            self._later.append((ends, customer, identity, "all" if fate < 0.75 else "none"))
            if ends.date() == at.date():
                self._later.pop()
                self._end(customer, identity, "all" if fate < 0.75 else "none", ends)

    def _end(self, customer: Customer, identity: str, rest: str, at: datetime) -> None:
        reservation = customer.state.reservations.get(identity)
        if reservation is None or at >= self._until:
            return
        event = Captured(reservation.amount, identity) if rest == "all" else Released(reservation.amount, identity)
        customer.record(event, self._after(customer, at))

    def _gift(self, customer: Customer, at: datetime) -> None:
        friend = self._random.choice(customer.friends)
        amount = self._random.choice([10, 20, 20, 25, 30, 50, 100])
        if customer.state.available < amount or not friend.state.version or friend.state.closed:
            return
        identity = Origin("", f"once:{uuid.UUID(int=self._random.getrandbits(128), version=4)}").identity(
            "transfer", customer.name
        )
        reason = TEXTS["gift"] if self._random.random() < 0.5 else None
        customer.record(TransferredOut(amount, identity, friend.name, reason), self._after(customer, at))
        friend.record(TransferredIn(amount, identity, customer.name, reason), self._after(friend, at))

    def _expire(self, customer: Customer, now: datetime) -> None:
        while not customer.state.closed and (due := customer.state.due) is not None and due <= now:
            at = min(now, due + timedelta(seconds=self._random.random()))
            for event in decisions.expire(customer.state, due):
                customer.record(event, at)

    def _after(self, customer: Customer, at: datetime) -> datetime:
        """Not before what was recorded last."""
        last = customer.history[-1][1] if customer.history else at
        return max(at, last + timedelta(milliseconds=3))

    def _text(self, what: str, at: datetime) -> str:
        return TEXTS[what].format(month=MONTHS[at.month - 1], number=self._random.randint(100000, 999999))

    def _daytime(self, day: datetime) -> datetime:
        hour = self._random.choices(range(24), DAYTIME)[0]
        return day + timedelta(hours=hour, seconds=self._random.uniform(0, 3600))

    def _poisson(self, mean: float) -> int:
        count, left = 0, self._random.expovariate(1)
        while left < mean:
            count += 1
            left += self._random.expovariate(1)
        return count
