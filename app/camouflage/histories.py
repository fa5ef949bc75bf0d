"""Histories of decoy accounts: drawn by the habits of a ledger, decided by the ledger's own rules.

Accounts come in groups whose members transfer credits among themselves, so both sides of every transfer agree. The same
key, habits and end give the same history.
"""

from __future__ import annotations

import heapq
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.camouflage.habits import ENDINGS, Act, Habits, Manner, Quantiles
from app.camouflage.reasons import Reasons
from app.credits import Origin, decisions
from app.credits.account import NEW, fold
from app.credits.events import (
    Captured,
    Closed,
    Event,
    Granted,
    Released,
    Reserved,
    Spent,
    TransferredIn,
    TransferredOut,
)

GROUP = 8
"""Accounts that transfer among themselves."""
NOTICED = timedelta(seconds=1)
"""The longest that the ledger takes to record what ran out."""

Floats = NDArray[np.float64]


class Happened(NamedTuple):
    """An event of an account, and when it happened."""

    account: str
    event: Event
    at: datetime


@dataclass(frozen=True)
class Group:
    """Some accounts up to a moment."""

    accounts: Sequence[str]
    habits: Habits
    reasons: Reasons
    until: datetime

    def history(self, seed: int) -> list[Happened]:
        """Everything that happened to them, in order."""
        return _Story(self, np.random.default_rng(seed)).told()


class _Story:
    def __init__(self, group: Group, rng: np.random.Generator) -> None:
        self._reasons = group.reasons
        self._until = group.until
        self._rng = rng
        self._states = dict.fromkeys(group.accounts, NEW)
        self._last: dict[str, datetime] = {}
        self._happened: list[Happened] = []
        self._people = {account: _Person(group.habits, rng) for account in group.accounts}
        self._waiting: list[tuple[datetime, int, Callable[[datetime], None]]] = []
        self._turns = iter(range(1 << 62))

    def told(self) -> list[Happened]:
        for account, person in self._people.items():
            for at, act in person.acts(self._until):
                self._later(at, partial(self._act, account, act))
        while self._waiting:
            at, _, do = heapq.heappop(self._waiting)
            if at >= self._until:
                break
            self._run_out(at)
            do(at)
        self._run_out(self._until)
        return self._happened

    def _later(self, at: datetime, do: Callable[[datetime], None]) -> None:
        heapq.heappush(self._waiting, (at, next(self._turns), do))

    def _act(self, account: str, act: str, now: datetime) -> None:
        """Do it; where the credits do not suffice, top them up first and do it moments later, or leave it."""
        state, person = self._states[account], self._people[account]
        if state.closed:
            return
        if act == "close":
            self._close(account, now)
            return
        amount = person.amount(act)
        if act != "grant" and amount > state.available:
            if not person.tops_up():
                return
            self._grant(account, person.amount("topup"), now, "topup")
            self._later(now + timedelta(seconds=person.moment()), partial(self._again, account, act, amount))
            return
        self._do(account, act, amount, now)

    def _again(self, account: str, act: str, amount: int, now: datetime) -> None:
        state = self._states[account]
        if not state.closed and state.available:
            self._do(account, act, min(amount, state.available), now)

    def _do(self, account: str, act: str, amount: int, now: datetime) -> None:
        if act == "grant":
            self._grant(account, amount, now, act)
        elif act == "spend":
            self._record(account, Spent(amount, self._reason(account, act)), now)
        elif act == "reserve":
            self._reserve(account, amount, now)
        else:
            self._transfer(account, amount, now)

    def _grant(self, account: str, amount: int, now: datetime, act: str) -> None:
        manner = self._people[account].manner
        expires_at = None
        if self._rng.random() < manner.expiring:
            expires_at = _to_second(now + timedelta(days=_pick(self._rng, manner.grant_days)))
        self._record(account, Granted(amount, self._reason(account, act), expires_at), now)

    def _transfer(self, account: str, amount: int, now: datetime) -> None:
        others = [each for each in self._states if each != account and self._takes(each)]
        if not others:
            return
        target = others[int(self._rng.integers(len(others)))]
        identity = self._identity("transfer", account)
        reason = self._reason(account, "transfer")
        self._record(account, TransferredOut(amount, identity, target, reason), now)
        # Both halves are stored at once, but each by the clock of its own server.
        skew = timedelta(microseconds=int(self._rng.integers(200, 4000)))
        self._record(target, TransferredIn(amount, identity, account, reason), now + skew)

    def _takes(self, account: str) -> bool:
        state = self._states[account]
        return state.version > 0 and not state.closed

    def _reserve(self, account: str, amount: int, now: datetime) -> None:
        manner = self._people[account].manner
        ending = ENDINGS[_choice(self._rng, [manner.endings[each] for each in ENDINGS])]
        expires_at = None
        if ending == "expire" or self._rng.random() < manner.expiring_reservations:
            expires_at = _to_second(now + timedelta(days=_pick(self._rng, manner.reservation_days)))
        identity = self._identity("reservation", account)
        self._record(account, Reserved(amount, identity, self._reason(account, "reserve"), expires_at), now)
        if ending in ("capture", "part", "release"):
            end = now + timedelta(seconds=_between(self._rng, manner.held_seconds))
            self._later(end, partial(self._end, account, identity, ending))

    def _end(self, account: str, identity: str, ending: str, now: datetime) -> None:
        reservation = self._states[account].reservations.get(identity)
        if reservation is None:
            return
        if ending == "release":
            self._record(account, Released(reservation.amount, identity), now)
        elif ending == "capture" or reservation.amount == 1:
            self._record(account, Captured(reservation.amount, identity), now)
        else:
            self._record(account, Captured(int(self._rng.integers(1, reservation.amount)), identity), now)
            rest = now + timedelta(seconds=_between(self._rng, self._people[account].manner.held_seconds))
            self._later(rest, partial(self._end, account, identity, "release"))

    def _close(self, account: str, now: datetime) -> None:
        state = self._states[account]
        if state.reservations or not state.version:
            return
        if state.available:
            self._record(account, Spent(state.available, self._reason(account, "spend")), now)
        self._record(account, Closed(None), now + timedelta(seconds=float(self._rng.exponential(60))))

    def _run_out(self, now: datetime) -> None:
        """Record what ended meanwhile, as the ledger would have, moments after it did."""
        for account in self._states:
            while (due := self._states[account].due) is not None and due <= now and not self._states[account].closed:
                at = min(now, due + NOTICED * float(self._rng.random()))
                for event in decisions.expire(self._states[account], due):
                    self._record(account, event, at)

    def _record(self, account: str, event: Event, at: datetime) -> None:
        self._states[account] = fold((event,), self._states[account])
        at = self._last[account] = max(at, self._last.get(account, at))
        self._happened.append(Happened(account, event, at))

    def _reason(self, account: str, act: str) -> str | None:
        with_reason = self._rng.random() < self._people[account].manner.acts[act].reasons
        return self._reasons.draw(self._rng, act) if with_reason else None

    def _identity(self, what: str, account: str) -> str:
        """As the ledger would have given it to a request without a key of its own."""
        once = uuid.UUID(bytes=self._rng.bytes(16), version=4)
        return Origin("", f"once:{once}").identity(what, account)


class _Person:
    """Who does things with one account: with amounts and at a pace of their own."""

    def __init__(self, habits: Habits, rng: np.random.Generator) -> None:
        self.manner: Manner = habits.manners[_choice(rng, [manner.weight for manner in habits.manners])]
        self._rng = rng
        # One standing for all acts: who spends much is granted much.
        standing = float(rng.random())
        self._usual = {act: _at(known.usual, standing) for act, known in self.manner.acts.items()}
        self._age = timedelta(days=_between(rng, self.manner.age_days))
        self._silent = self._age * min(1.0, _between(rng, self.manner.silent))
        self._tops_up = bool(rng.random() < self.manner.acts["topup"].share)

    def acts(self, until: datetime) -> Iterator[tuple[datetime, str]]:
        """What this person does, and when; the first of it is a grant."""
        begin, end = until - self._age, until - self._silent
        yield begin, "grant"
        for act, known in self.manner.acts.items():
            if act != "topup" and self._rng.random() < known.share:
                for at in self._times(known, begin, end):
                    yield at, act
        if self._rng.random() < self.manner.closed:
            yield end, "close"

    def amount(self, act: str) -> int:
        """How much this time."""
        known = self.manner.acts[act]
        draw = float(self._rng.random())
        for amount, share in known.common.items():
            draw -= share
            if draw < 0:
                return amount
        value = self._usual[act] * _between(self._rng, known.spread)
        return max(1, round(_stepped(value, known, float(self._rng.random()))))

    def tops_up(self) -> bool:
        """Whether credits that are missing are brought in."""
        return self._tops_up

    def moment(self) -> float:
        """Seconds that this takes."""
        return _between(self._rng, self.manner.moments)

    def _times(self, known: Act, begin: datetime, end: datetime) -> Iterator[datetime]:
        days = (end - begin) / timedelta(days=1)
        count = int(_between(self._rng, known.per_day) * days + float(self._rng.random()))
        if not count:
            return
        places = np.arange(len(known.gaps))
        gaps = np.interp(self._rng.random(count + 1) * (len(places) - 1), places, known.gaps)
        moments = days * np.cumsum(gaps)[:-1] / max(gaps.sum(), 1e-9)
        for day in moments.tolist():
            at = begin + timedelta(days=day)
            hour = _choice(self._rng, known.hours)
            at = at.replace(hour=hour) if begin < at.replace(hour=hour) < end else at
            yield at


def _stepped(value: float, known: Act, draw: float) -> float:
    for step, share in known.steps.items():
        draw -= share
        if draw < 0:
            return step * max(1, round(value / step)) if value >= step / 2 else value
    return value


def _between(rng: np.random.Generator, quantiles: Quantiles) -> float:
    return _at(quantiles, float(rng.random()))


def _at(quantiles: Quantiles, share: float) -> float:
    place = share * (len(quantiles) - 1)
    below = min(int(place), len(quantiles) - 2)
    low, high = quantiles[below], quantiles[below + 1]
    return low + (high - low) * (place - below)


def _pick(rng: np.random.Generator, values: Quantiles) -> float:
    """One of the values themselves."""
    return values[int(rng.integers(len(values)))]


def _choice(rng: np.random.Generator, weights: Sequence[float]) -> int:
    place = float(rng.random()) * sum(weights)
    for number, weight in enumerate(weights):
        place -= weight
        if place < 0:
            return number
    return len(weights) - 1


def _to_second(at: datetime) -> datetime:
    return at.replace(microsecond=0)
