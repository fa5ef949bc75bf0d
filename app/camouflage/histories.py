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

from app.camouflage.habits import ACTS, ENDINGS, START, Amounts, Habits, Quantiles
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
TRIES = 4

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
        self._habits = group.habits
        self._reasons = group.reasons
        self._until = group.until
        self._rng = rng
        self._states = dict.fromkeys(group.accounts, NEW)
        self._happened: list[Happened] = []
        self._people = {account: _Person(group.habits, rng) for account in group.accounts}
        self._waiting: list[tuple[datetime, int, Callable[[datetime], None]]] = []
        self._turns = iter(range(1 << 62))

    def told(self) -> list[Happened]:
        for account, person in self._people.items():
            for at, act in person.acts(self._until):
                self._later(at, partial(self._act, account, act))
            if person.closes:
                self._later(self._until - person.silence, partial(self._close, account))
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
        """Do it, or bring in credits first where they do not suffice."""
        state = self._states[account]
        if state.closed:
            return
        amount = self._people[account].amount(act)
        if act != "grant" and amount > state.available:
            act, amount = "grant", self._people[account].amount("grant")
        getattr(self, f"_{act}")(account, amount, now)

    def _grant(self, account: str, amount: int, now: datetime) -> None:
        expires_at = None
        if self._rng.random() < self._habits.expiring:
            expires_at = _to_second(now + timedelta(days=_pick(self._rng, self._habits.grant_days)))
        self._record(account, Granted(amount, self._reason("grant"), expires_at), now)

    def _spend(self, account: str, amount: int, now: datetime) -> None:
        self._record(account, Spent(amount, self._reason("spend")), now)

    def _transfer(self, account: str, amount: int, now: datetime) -> None:
        others = [each for each in self._states if each != account and self._takes(each)]
        if not others:
            return self._spend(account, amount, now)
        target = others[int(self._rng.integers(len(others)))]
        identity = self._identity("transfer", account)
        reason = self._reason("transfer")
        self._record(account, TransferredOut(amount, identity, target, reason), now)
        # Both halves are stored at once, but each by the clock of its own server.
        skew = timedelta(microseconds=int(self._rng.integers(200, 4000)))
        return self._record(target, TransferredIn(amount, identity, account, reason), now + skew)

    def _takes(self, account: str) -> bool:
        state = self._states[account]
        return state.version > 0 and not state.closed

    def _reserve(self, account: str, amount: int, now: datetime) -> None:
        habits = self._habits
        ending = ENDINGS[_choice(self._rng, [habits.endings[each] for each in ENDINGS])]
        expires_at = None
        if ending == "expire" or self._rng.random() < habits.expiring_reservations:
            expires_at = _to_second(now + timedelta(days=_pick(self._rng, habits.reservation_days)))
        identity = self._identity("reservation", account)
        self._record(account, Reserved(amount, identity, self._reason("reserve"), expires_at), now)
        if ending in ("capture", "part", "release"):
            end = now + timedelta(seconds=_between(self._rng, habits.held_seconds))
            self._later(end, partial(self._end, account, identity, ending))

    def _end(self, account: str, identity: str, ending: str, now: datetime) -> None:
        reservation = self._states[account].reservations.get(identity)
        if reservation is None:
            return None
        if ending == "release":
            return self._record(account, Released(reservation.amount, identity), now)
        if ending == "capture" or reservation.amount == 1:
            return self._record(account, Captured(reservation.amount, identity), now)
        self._record(account, Captured(int(self._rng.integers(1, reservation.amount)), identity), now)
        rest = now + timedelta(seconds=_between(self._rng, self._habits.held_seconds) / 10)
        return self._later(rest, partial(self._end, account, identity, "release"))

    def _close(self, account: str, now: datetime) -> None:
        state = self._states[account]
        if state.reservations or not state.version:
            return
        if state.available:
            self._record(account, Spent(state.available, self._reason("spend")), now)
        self._record(account, Closed(None), now + timedelta(seconds=float(self._rng.exponential(60))))

    def _run_out(self, now: datetime) -> None:
        """Record what ended meanwhile, as the ledger would have, moments after it did."""
        for account, state in self._states.items():
            while (due := state.due) is not None and due <= now and not state.closed:
                events = decisions.expire(state, due)
                at = min(now, due + NOTICED * float(self._rng.random()))
                for event in events:
                    self._record(account, event, at)
                if not events:
                    break
                state = self._states[account]

    def _record(self, account: str, event: Event, at: datetime) -> None:
        self._states[account] = fold((event,), self._states[account])
        self._happened.append(Happened(account, event, at))

    def _reason(self, act: str) -> str | None:
        return self._reasons.draw(self._rng, act) if self._rng.random() < self._habits.reasons[act] else None

    def _identity(self, what: str, account: str) -> str:
        """As the ledger would have given it to a request without a key of its own."""
        once = uuid.UUID(bytes=self._rng.bytes(16), version=4)
        return Origin("", f"once:{once}").identity(what, account)


class _Person:
    """Who does things with one account: with amounts and at a pace of their own."""

    def __init__(self, habits: Habits, rng: np.random.Generator) -> None:
        self._habits = habits
        self._rng = rng
        self._usual = {act: _between(rng, habits.amounts[act].usual) for act in ACTS}
        self.silence = timedelta(days=_between(rng, habits.silent_days))
        self.closes = bool(rng.random() < habits.closed)

    def acts(self, until: datetime) -> Iterator[tuple[datetime, str]]:
        """What this person does, and when; the last of it some time before `until`."""
        count = max(1, round(_between(self._rng, self._habits.acts)))
        pace = _between(self._rng, self._habits.pace)
        gaps = pace * _quantiles(self._rng, self._habits.gaps, count)
        ago = np.cumsum(gaps[::-1])[::-1] - gaps[-1]
        last = START
        for seconds in ago:
            following = self._habits.next[last]
            last = list(following)[_choice(self._rng, list(following.values()))]
            yield until - self.silence - timedelta(seconds=float(seconds)), last

    def amount(self, act: str) -> int:
        """How much this time."""
        amounts: Amounts = self._habits.amounts[act]
        value = self._usual[act] * _between(self._rng, amounts.spread)
        return max(1, round(_rounded(value, amounts, float(self._rng.random()))))


def _rounded(value: float, amounts: Amounts, draw: float) -> float:
    for step, share in sorted(amounts.round.items(), reverse=True):
        if draw < share and value >= step / 2:
            return step * max(1, round(value / step))
        draw -= share
    return value


def _quantiles(rng: np.random.Generator, quantiles: Quantiles, count: int) -> Floats:
    return np.interp(rng.random(count) * (len(quantiles) - 1), np.arange(len(quantiles)), quantiles)


def _between(rng: np.random.Generator, quantiles: Quantiles) -> float:
    place = float(rng.random()) * (len(quantiles) - 1)
    below = int(place)
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
