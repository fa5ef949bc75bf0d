"""Histories of decoy accounts: drawn from a behaviour model, decided by the ledger's own rules.

Accounts come in groups whose members transfer credits among themselves, so both sides of every transfer agree. The same
key, model and end give the same history.
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

from app.camouflage.behaviour import ENDINGS, Action, BehaviourModel, Quantiles, Segment
from app.camouflage.reasons import Reasons
from app.canaries.key import CamouflageKey, mac
from app.canaries.tokens import Canaries, Kind
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

GROUP_SIZE = 8
"""Accounts that transfer among themselves."""
BLOCK_GROUPS = 32
"""Groups in a block: about twenty thousand events."""
EXPIRY_DELAY = timedelta(seconds=1)
"""The longest that the ledger takes to record an expiry."""

Floats = NDArray[np.float64]


class DatedEvent(NamedTuple):
    """An event of an account, and its time."""

    account: str
    event: Event
    at: datetime


@dataclass(frozen=True)
class AccountGroup:
    """Accounts that transfer among themselves, and the end of their history."""

    accounts: Sequence[str]
    model: BehaviourModel
    reasons: Reasons
    until: datetime

    def history(self, seed: int) -> list[DatedEvent]:
        """Return all their events, in order of time."""
        return _Simulation(self, np.random.default_rng(seed)).run()


@dataclass(frozen=True)
class Population:
    """The accounts of one place; the same key gives the same accounts and histories."""

    key: CamouflageKey
    place: int
    rows: int
    model: BehaviourModel
    reasons: Reasons
    until: datetime

    def blocks(self) -> Iterator[Sequence[DatedEvent]]:
        """Yield the events of BLOCK_GROUPS groups at a time."""
        step = GROUP_SIZE * BLOCK_GROUPS
        for first in range(0, self.rows, step):
            yield [
                dated
                for start in range(first, min(first + step, self.rows), GROUP_SIZE)
                for dated in self._group_history(start)
            ]

    def _group_history(self, start: int) -> list[DatedEvent]:
        canaries = Canaries(self.key)
        # Always a whole group: its history must not depend on the number of rows.
        accounts = [str(canaries.token(Kind.ACCOUNT, self.place, start + number)) for number in range(GROUP_SIZE)]
        seed = int.from_bytes(mac(self.key.of("histories"), str(self.place), str(start))[:16])
        return AccountGroup(accounts, self.model, self.reasons, self.until).history(seed)


class _Simulation:
    """A discrete-event simulation of one group."""

    def __init__(self, group: AccountGroup, rng: np.random.Generator) -> None:
        self._reasons = group.reasons
        self._until = group.until
        self._rng = rng
        self._states = dict.fromkeys(group.accounts, NEW)
        self._last: dict[str, datetime] = {}
        self._events: list[DatedEvent] = []
        self._owners = {account: _Owner(group.model, rng) for account in group.accounts}
        self._agenda: list[tuple[datetime, int, Callable[[datetime], None]]] = []
        self._ticks = iter(range(1 << 62))

    def run(self) -> list[DatedEvent]:
        for account, owner in self._owners.items():
            for at, action in owner.actions(self._until):
                self._schedule(at, partial(self._act, account, action))
        while self._agenda:
            at, _, perform = heapq.heappop(self._agenda)
            if at >= self._until:
                break
            self._expire_due(at)
            perform(at)
        self._expire_due(self._until)
        return self._events

    def _schedule(self, at: datetime, perform: Callable[[datetime], None]) -> None:
        heapq.heappush(self._agenda, (at, next(self._ticks), perform))

    def _act(self, account: str, action: str, now: datetime) -> None:
        """Perform an action; if the credits do not suffice, top up first and retry moments later, or skip it."""
        state, owner = self._states[account], self._owners[account]
        if state.closed:
            return
        if action == "close":
            self._close(account, now)
            return
        amount = owner.amount(action)
        if action != "grant" and amount > state.available:
            if not owner.tops_up():
                return
            self._grant(account, owner.amount("topup"), now, "topup")
            self._schedule(now + timedelta(seconds=owner.topup_delay()), partial(self._retry, account, action, amount))
            return
        self._perform(account, action, amount, now)

    def _retry(self, account: str, action: str, amount: int, now: datetime) -> None:
        state = self._states[account]
        if not state.closed and state.available:
            self._perform(account, action, min(amount, state.available), now)

    def _perform(self, account: str, action: str, amount: int, now: datetime) -> None:
        if action == "grant":
            self._grant(account, amount, now, action)
        elif action == "spend":
            self._record(account, Spent(amount, self._reason(account, action)), now)
        elif action == "reserve":
            self._reserve(account, amount, now)
        else:
            self._transfer(account, amount, now)

    def _grant(self, account: str, amount: int, now: datetime, action: str) -> None:
        segment = self._owners[account].segment
        expires_at = None
        if self._rng.random() < segment.expiring:
            expires_at = _to_second(now + timedelta(days=_pick(self._rng, segment.grant_days)))
        self._record(account, Granted(amount, self._reason(account, action), expires_at), now)

    def _transfer(self, account: str, amount: int, now: datetime) -> None:
        others = [other for other in self._states if other != account and self._accepts_transfers(other)]
        if not others:
            return
        target = others[int(self._rng.integers(len(others)))]
        identity = self._identity("transfer", account)
        reason = self._reason(account, "transfer")
        self._record(account, TransferredOut(amount, identity, target, reason), now)
        # Both sides are stored at once, each by the clock of its own server.
        skew = timedelta(microseconds=int(self._rng.integers(200, 4000)))
        self._record(target, TransferredIn(amount, identity, account, reason), now + skew)

    def _accepts_transfers(self, account: str) -> bool:
        state = self._states[account]
        return state.version > 0 and not state.closed

    def _reserve(self, account: str, amount: int, now: datetime) -> None:
        segment = self._owners[account].segment
        ending = ENDINGS[_choice(self._rng, [segment.endings[ending] for ending in ENDINGS])]
        expires_at = None
        if ending == "expire" or self._rng.random() < segment.expiring_reservations:
            expires_at = _to_second(now + timedelta(days=_pick(self._rng, segment.reservation_days)))
        identity = self._identity("reservation", account)
        self._record(account, Reserved(amount, identity, self._reason(account, "reserve"), expires_at), now)
        if ending in ("capture", "part", "release"):
            end = now + timedelta(seconds=_draw(self._rng, segment.held_seconds))
            self._schedule(end, partial(self._end, account, identity, ending))

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
            rest = now + timedelta(seconds=_draw(self._rng, self._owners[account].segment.held_seconds))
            self._schedule(rest, partial(self._end, account, identity, "release"))

    def _close(self, account: str, now: datetime) -> None:
        state = self._states[account]
        if state.reservations or not state.version:
            return
        if state.available:
            self._record(account, Spent(state.available, self._reason(account, "spend")), now)
        self._record(account, Closed(None), now + timedelta(seconds=float(self._rng.exponential(60))))

    def _expire_due(self, now: datetime) -> None:
        """Record the expiries until now, each moments after it was due, as the ledger would."""
        for account in self._states:
            while (due := self._states[account].due) is not None and due <= now and not self._states[account].closed:
                at = min(now, due + EXPIRY_DELAY * float(self._rng.random()))
                for event in decisions.expire(self._states[account], due):
                    self._record(account, event, at)

    def _record(self, account: str, event: Event, at: datetime) -> None:
        self._states[account] = fold((event,), self._states[account])
        at = self._last[account] = max(at, self._last.get(account, at))
        self._events.append(DatedEvent(account, event, at))

    def _reason(self, account: str, action: str) -> str | None:
        with_reason = self._rng.random() < self._owners[account].segment.actions[action].reasons
        return self._reasons.draw(self._rng, action) if with_reason else None

    def _identity(self, what: str, account: str) -> str:
        """Return an identity as the ledger gives it to a request without an idempotency key."""
        once = uuid.UUID(bytes=self._rng.bytes(16), version=4)
        return Origin("", f"once:{once}").identity(what, account)


class _Owner:
    """The owner of one account, with typical amounts and a pace."""

    def __init__(self, model: BehaviourModel, rng: np.random.Generator) -> None:
        self.segment: Segment = model.segments[_choice(rng, [segment.weight for segment in model.segments])]
        self._rng = rng
        # One rank for all actions: an owner who spends much is granted much.
        rank = float(rng.random())
        self._usual = {action: _interpolate(known.usual, rank) for action, known in self.segment.actions.items()}
        self._age = timedelta(days=_draw(rng, self.segment.age_days))
        self._silent = self._age * min(1.0, _draw(rng, self.segment.silent))
        self._tops_up = bool(rng.random() < self.segment.actions["topup"].share)

    def actions(self, until: datetime) -> Iterator[tuple[datetime, str]]:
        """Yield the times and names of actions; the first is a grant."""
        begin, end = until - self._age, until - self._silent
        yield begin, "grant"
        for action, known in self.segment.actions.items():
            if action != "topup" and self._rng.random() < known.share:
                for at in self._times(known, begin, end):
                    yield at, action
        if self._rng.random() < self.segment.closed:
            yield end, "close"

    def amount(self, action: str) -> int:
        """Draw an amount."""
        known = self.segment.actions[action]
        draw = float(self._rng.random())
        for amount, share in known.common.items():
            draw -= share
            if draw < 0:
                return amount
        value = self._usual[action] * _draw(self._rng, known.spread)
        return max(1, round(_round_to_step(value, known, float(self._rng.random()))))

    def tops_up(self) -> bool:
        """Tell whether the owner buys missing credits."""
        return self._tops_up

    def topup_delay(self) -> float:
        """Draw the seconds from a top-up to the action that it pays for."""
        return _draw(self._rng, self.segment.moments)

    def _times(self, known: Action, begin: datetime, end: datetime) -> Iterator[datetime]:
        days = (end - begin) / timedelta(days=1)
        count = int(_draw(self._rng, known.per_day) * days + float(self._rng.random()))
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


def _round_to_step(value: float, known: Action, draw: float) -> float:
    for step, share in known.steps.items():
        draw -= share
        if draw < 0:
            return step * max(1, round(value / step)) if value >= step / 2 else value
    return value


def _draw(rng: np.random.Generator, quantiles: Quantiles) -> float:
    return _interpolate(quantiles, float(rng.random()))


def _interpolate(quantiles: Quantiles, share: float) -> float:
    place = share * (len(quantiles) - 1)
    below = min(int(place), len(quantiles) - 2)
    low, high = quantiles[below], quantiles[below + 1]
    return low + (high - low) * (place - below)


def _pick(rng: np.random.Generator, values: Quantiles) -> float:
    """Draw one of the values, without interpolation."""
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
