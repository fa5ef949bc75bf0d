"""Measuring the habits of a ledger's accounts: quantiles over many accounts, never those of a few."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.camouflage.errors import CamouflageError
from app.camouflage.habits import ACTS, ENDINGS, Act, Habits, Manner
from app.credits.events import (
    Captured,
    Closed,
    Event,
    Granted,
    Released,
    ReservationExpired,
    Reserved,
    Spent,
    TransferredOut,
)

FEWEST = 20
"""Accounts behind any number that is written down."""
POINTS = 17
"""Quantiles of a distribution."""
TOPUP_SECONDS = 600.0
"""A grant is for the sake of what follows within this time."""
COMMON = 0.02
"""Share from which on an amount is a common one."""
STEPS = (100, 50, 10, 5)
SHORTEST_SPAN = 1.0
"""Days that an account is taken to be in use at least."""

Floats = NDArray[np.float64]
History = Sequence[tuple[Event, datetime]]


class TooFewAccounts(CamouflageError):
    """So few accounts that what is measured could tell of one of them."""


@dataclass
class _Account:
    """What one account did."""

    begin: datetime
    end: datetime
    acts: dict[str, list[tuple[datetime, int, bool]]] = field(default_factory=lambda: defaultdict(list))
    """Time, amount, and whether with a reason; by act."""
    moments: list[float] = field(default_factory=list)
    grant_days: list[float | None] = field(default_factory=list)
    reservation_days: list[float | None] = field(default_factory=list)
    endings: list[str] = field(default_factory=list)
    held: list[float] = field(default_factory=list)
    closed: bool = False

    @property
    def days(self) -> float:
        return max(SHORTEST_SPAN, (self.end - self.begin) / timedelta(days=1))

    @property
    def count(self) -> int:
        return sum(map(len, self.acts.values()))

    @property
    def usual(self) -> float:
        amounts = [amount for act in ("spend", "reserve", "transfer") for _, amount, _ in self.acts[act]]
        return float(np.median(amounts)) if amounts else 0.0


def measured(histories: Iterable[History], now: datetime) -> Habits:
    """The habits behind these histories, each of one account, in order; raises TooFewAccounts."""
    accounts = [_account(history) for history in histories if history]
    if len(accounts) < FEWEST:
        raise TooFewAccounts(f"{len(accounts)} accounts are too few to measure habits: there must be {FEWEST} or more")
    return Habits(manners=[_manner(alike, now, len(accounts)) for alike in _alike(accounts)])


def _alike(accounts: list[_Account]) -> list[list[_Account]]:
    """Accounts in groups: of about the same number of acts a day, and therein of about the same amounts."""
    parts = max(1, min(4, int((len(accounts) / (4 * FEWEST)) ** 0.5)))
    by_pace = sorted(accounts, key=lambda account: account.count / account.days)
    groups = []
    for slow in np.array_split(np.arange(len(by_pace)), parts):
        by_amount = sorted((by_pace[place] for place in slow), key=lambda account: account.usual)
        groups += [[by_amount[place] for place in some] for some in np.array_split(np.arange(len(by_amount)), parts)]
    return groups


def _account(history: History) -> _Account:
    account = _Account(history[0][1], history[0][1])
    open_since: dict[str, tuple[datetime, bool]] = {}
    for place, (event, at) in enumerate(history):
        match event:
            case Granted():
                following = history[place + 1][1] if place + 1 < len(history) else None
                _grant(account, event, at, following)
            case Spent():
                _act(account, "spend", event, at)
            case TransferredOut():
                _act(account, "transfer", event, at)
            case Reserved():
                _act(account, "reserve", event, at)
                account.reservation_days.append(_days(event.expires_at, at))
                open_since[event.reservation] = at, False
            case Captured() | Released() | ReservationExpired():
                _ending(account, event, at, open_since, history[place + 1 :])
            case Closed():
                account.closed = True
    account.endings += ["open"] * len(open_since)
    return account


def _act(account: _Account, act: str, event: Any, at: datetime) -> None:
    account.end = max(account.end, at)
    account.acts[act].append((at, event.amount, event.reason is not None))


def _grant(account: _Account, event: Granted, at: datetime, following: datetime | None) -> None:
    seconds = (following - at).total_seconds() if following else TOPUP_SECONDS
    if seconds < TOPUP_SECONDS:
        account.moments.append(seconds)
    _act(account, "topup" if seconds < TOPUP_SECONDS else "grant", event, at)
    account.grant_days.append(_days(event.expires_at, at))


def _days(expires_at: datetime | None, at: datetime) -> float | None:
    return None if expires_at is None else (expires_at - at) / timedelta(days=1)


def _ending(
    account: _Account,
    event: Captured | Released | ReservationExpired,
    at: datetime,
    open_since: dict[str, tuple[datetime, bool]],
    rest: History,
) -> None:
    """The first thing that becomes of a reservation says how it ends."""
    if event.reservation not in open_since:
        return
    since, _ = open_since.pop(event.reservation)
    if isinstance(event, Captured):
        later = any(
            isinstance(each, Captured | Released | ReservationExpired) and each.reservation == event.reservation
            for each, _ in rest
        )
        account.endings.append("part" if later else "capture")
    else:
        account.endings.append("release" if isinstance(event, Released) else "expire")
    if not isinstance(event, ReservationExpired):
        account.held.append((at - since).total_seconds())


def _manner(accounts: Sequence[_Account], now: datetime, all_accounts: int) -> Manner:
    ages = np.array([(now - account.begin) / timedelta(days=1) for account in accounts])
    silences = np.array([(now - account.end) / timedelta(days=1) for account in accounts])
    endings = Counter(ending for account in accounts for ending in account.endings)
    grant_days = [days for account in accounts for days in account.grant_days]
    reservation_days = [days for account in accounts for days in account.reservation_days]
    return Manner(
        weight=len(accounts) / all_accounts,
        age_days=_quantiles(ages),
        silent=_quantiles(silences / np.maximum(ages, 1e-6)),
        acts={act: _measured_act(act, accounts) for act in ACTS},
        expiring=_share(days is not None for days in grant_days),
        grant_days=_quantiles([days for days in grant_days if days is not None], otherwise=90),
        endings={ending: endings[ending] / max(1, endings.total()) for ending in ENDINGS},
        held_seconds=_quantiles([seconds for account in accounts for seconds in account.held], otherwise=60),
        reservation_days=_quantiles([days for days in reservation_days if days is not None], otherwise=7),
        expiring_reservations=_share(days is not None for days in reservation_days),
        moments=_quantiles([seconds for account in accounts for seconds in account.moments], otherwise=30),
        closed=_share(account.closed for account in accounts),
    )


def _measured_act(act: str, accounts: Sequence[_Account]) -> Act:
    doing = [account for account in accounts if account.acts[act]]
    if len(doing) < FEWEST:
        doing = []
    done = [each for account in doing for each in account.acts[act]]
    common = _common([{amount for _, amount, _ in account.acts[act]} for account in doing], done)
    medians, spread, gaps = [], [], []
    for account in doing:
        amounts = np.array([amount for _, amount, _ in account.acts[act] if amount not in common], dtype=np.float64)
        if amounts.size:
            medians.append(float(np.median(amounts)))
            spread += (amounts / medians[-1]).tolist()
        times = np.array([at.timestamp() for at, _, _ in account.acts[act]])
        apart = np.diff(times)
        if apart.size:
            gaps += (apart / max(apart.mean(), 1e-6)).tolist()
    hours = Counter(at.hour for at, _, _ in done)
    return Act(
        share=len(doing) / len(accounts),
        per_day=_quantiles([len(account.acts[act]) / account.days for account in doing], otherwise=0),
        gaps=_quantiles(gaps, otherwise=1),
        usual=_quantiles(medians, otherwise=1),
        spread=_quantiles(spread, otherwise=1),
        common=common,
        steps=_steps([amount for _, amount, _ in done if amount not in common]),
        hours=[float(hours[hour]) for hour in range(24)] if done else [1.0] * 24,
        reasons=_share(reason for _, _, reason in done),
    )


def _common(by_account: Sequence[set[int]], done: Sequence[tuple[datetime, int, bool]]) -> dict[int, float]:
    """Amounts that many accounts have."""
    known = Counter(amount for amounts in by_account for amount in amounts)
    counts = Counter(amount for _, amount, _ in done)
    return {
        amount: count / len(done)
        for amount, count in counts.most_common(20)
        if known[amount] >= FEWEST and count / len(done) >= COMMON
    }


def _steps(amounts: Sequence[int]) -> dict[int, float]:
    largest = Counter(next((step for step in STEPS if amount % step == 0), 1) for amount in amounts)
    return {step: largest[step] / max(1, len(amounts)) for step in STEPS}


def _share(cases: Iterable[bool]) -> float:
    found = list(cases)
    return sum(found) / max(1, len(found))


def _quantiles(values: Sequence[float] | Floats, *, otherwise: float = 0.0) -> list[float]:
    """Medians of parts, each of so many values that none is one account's own; `otherwise`, where too few were seen."""
    given = np.sort(np.asarray(values, dtype=np.float64))
    if given.size < FEWEST:
        return [otherwise, otherwise]
    parts = np.array_split(given, max(1, min(POINTS, given.size // FEWEST)))
    medians = [float(f"{np.median(part):.4g}") for part in parts]
    return medians if len(medians) > 1 else medians * 2
