"""Measure the behaviour model of a ledger: quantiles over many accounts, never over a few."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.camouflage.behaviour import ACTIONS, ENDINGS, Action, BehaviourModel, Segment
from app.camouflage.errors import TooFewAccounts
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
    decode,
)
from app.queries import Reads, query

FEWEST = 20
"""Accounts behind any number in the model."""
POINTS = 17
"""Quantiles of a distribution."""
TOPUP_SECONDS = 600.0
"""A grant is a top-up if another event follows within this time."""
COMMON = 0.02
"""Share from which an amount counts as common."""
STEPS = (100, 50, 10, 5)
SHORTEST_SPAN = 1.0
"""Shortest time in use that is assumed of an account, in days."""

Floats = NDArray[np.float64]
History = Sequence[tuple[Event, datetime]]


@dataclass
class _Account:
    """The actions of one account."""

    begin: datetime
    end: datetime
    actions: dict[str, list[tuple[datetime, int, bool]]] = field(default_factory=lambda: defaultdict(list))
    """Time, amount and presence of a reason, by action."""
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
        return sum(map(len, self.actions.values()))

    @property
    def usual(self) -> float:
        amounts = [amount for action in ("spend", "reserve", "transfer") for _, amount, _ in self.actions[action]]
        return float(np.median(amounts)) if amounts else 0.0


async def read_histories(database: Reads, accounts: int) -> list[History]:
    """Read the histories of so many random accounts of a shard; reasons stay sealed."""
    rows = await database.rows(query("camouflage.sample_histories"), {"accounts": accounts})
    return [
        [(decode(kind, data), recorded_at) for _, _, kind, data, recorded_at in events]
        for _, events in groupby(rows, key=lambda row: row[0])
    ]


def measure_behaviour(histories: Iterable[History], now: datetime) -> BehaviourModel:
    """Measure the model behind these histories, each of one account in order of time; raises TooFewAccounts."""
    accounts = [_summarise(history) for history in histories if history]
    if len(accounts) < FEWEST:
        raise TooFewAccounts(f"{len(accounts)} accounts are too few to measure: there must be {FEWEST} or more")
    return BehaviourModel(segments=[_measure_segment(alike, now, len(accounts)) for alike in _segment(accounts)])


def _segment(accounts: list[_Account]) -> list[list[_Account]]:
    """Group accounts by their number of actions a day, and within that by their amounts."""
    parts = max(1, min(4, int((len(accounts) / (4 * FEWEST)) ** 0.5)))
    by_pace = sorted(accounts, key=lambda account: account.count / account.days)
    groups = []
    for slow in np.array_split(np.arange(len(by_pace)), parts):
        by_amount = sorted((by_pace[place] for place in slow), key=lambda account: account.usual)
        groups += [[by_amount[place] for place in some] for some in np.array_split(np.arange(len(by_amount)), parts)]
    return groups


def _summarise(history: History) -> _Account:
    account = _Account(history[0][1], history[0][1])
    open_since: dict[str, tuple[datetime, bool]] = {}
    for place, (event, at) in enumerate(history):
        match event:
            case Granted():
                following = history[place + 1][1] if place + 1 < len(history) else None
                _add_grant(account, event, at, following)
            case Spent():
                _add_action(account, "spend", event, at)
            case TransferredOut():
                _add_action(account, "transfer", event, at)
            case Reserved():
                _add_action(account, "reserve", event, at)
                account.reservation_days.append(_days(event.expires_at, at))
                open_since[event.reservation] = at, False
            case Captured() | Released() | ReservationExpired():
                _add_ending(account, event, at, open_since, history[place + 1 :])
            case Closed():
                account.closed = True
    account.endings += ["open"] * len(open_since)
    return account


def _add_action(account: _Account, action: str, event: Any, at: datetime) -> None:
    account.end = max(account.end, at)
    account.actions[action].append((at, event.amount, event.reason is not None))


def _add_grant(account: _Account, event: Granted, at: datetime, following: datetime | None) -> None:
    seconds = (following - at).total_seconds() if following else TOPUP_SECONDS
    if seconds < TOPUP_SECONDS:
        account.moments.append(seconds)
    _add_action(account, "topup" if seconds < TOPUP_SECONDS else "grant", event, at)
    account.grant_days.append(_days(event.expires_at, at))


def _days(expires_at: datetime | None, at: datetime) -> float | None:
    return None if expires_at is None else (expires_at - at) / timedelta(days=1)


def _add_ending(
    account: _Account,
    event: Captured | Released | ReservationExpired,
    at: datetime,
    open_since: dict[str, tuple[datetime, bool]],
    rest: History,
) -> None:
    """Classify a reservation by the first event that follows it."""
    if event.reservation not in open_since:
        return
    since, _ = open_since.pop(event.reservation)
    if isinstance(event, Captured):
        later = any(
            isinstance(other, Captured | Released | ReservationExpired) and other.reservation == event.reservation
            for other, _ in rest
        )
        account.endings.append("part" if later else "capture")
    else:
        account.endings.append("release" if isinstance(event, Released) else "expire")
    if not isinstance(event, ReservationExpired):
        account.held.append((at - since).total_seconds())


def _measure_segment(accounts: Sequence[_Account], now: datetime, all_accounts: int) -> Segment:
    ages = np.array([(now - account.begin) / timedelta(days=1) for account in accounts])
    silences = np.array([(now - account.end) / timedelta(days=1) for account in accounts])
    endings = Counter(ending for account in accounts for ending in account.endings)
    grant_days = [days for account in accounts for days in account.grant_days]
    reservation_days = [days for account in accounts for days in account.reservation_days]
    return Segment(
        weight=len(accounts) / all_accounts,
        age_days=_quantiles(ages),
        silent=_quantiles(silences / np.maximum(ages, 1e-6)),
        actions={action: _measure_action(action, accounts) for action in ACTIONS},
        expiring=_share(days is not None for days in grant_days),
        grant_days=_quantiles([days for days in grant_days if days is not None], otherwise=90),
        endings={ending: endings[ending] / max(1, endings.total()) for ending in ENDINGS},
        held_seconds=_quantiles([seconds for account in accounts for seconds in account.held], otherwise=60),
        reservation_days=_quantiles([days for days in reservation_days if days is not None], otherwise=7),
        expiring_reservations=_share(days is not None for days in reservation_days),
        moments=_quantiles([seconds for account in accounts for seconds in account.moments], otherwise=30),
        closed=_share(account.closed for account in accounts),
    )


def _measure_action(action: str, accounts: Sequence[_Account]) -> Action:
    doing = [account for account in accounts if account.actions[action]]
    if len(doing) < FEWEST:
        doing = []
    done = [entry for account in doing for entry in account.actions[action]]
    common = _common([{amount for _, amount, _ in account.actions[action]} for account in doing], done)
    medians, spread, gaps = [], [], []
    for account in doing:
        amounts = np.array(
            [amount for _, amount, _ in account.actions[action] if amount not in common], dtype=np.float64
        )
        if amounts.size:
            medians.append(float(np.median(amounts)))
            spread += (amounts / medians[-1]).tolist()
        times = np.array([at.timestamp() for at, _, _ in account.actions[action]])
        apart = np.diff(times)
        if apart.size:
            gaps += (apart / max(apart.mean(), 1e-6)).tolist()
    hours = Counter(at.hour for at, _, _ in done)
    return Action(
        share=len(doing) / len(accounts),
        per_day=_quantiles([len(account.actions[action]) / account.days for account in doing], otherwise=0),
        gaps=_quantiles(gaps, otherwise=1),
        usual=_quantiles(medians, otherwise=1),
        spread=_quantiles(spread, otherwise=1),
        common=common,
        steps=_steps([amount for _, amount, _ in done if amount not in common]),
        hours=[float(hours[hour]) for hour in range(24)] if done else [1.0] * 24,
        reasons=_share(reason for _, _, reason in done),
    )


def _common(by_account: Sequence[set[int]], done: Sequence[tuple[datetime, int, bool]]) -> dict[int, float]:
    """Return the amounts that occur in many accounts, with their shares."""
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
    """Return the medians of parts that are too large to reveal one account; `otherwise` if there are too few values."""
    given = np.sort(np.asarray(values, dtype=np.float64))
    if given.size < FEWEST:
        return [otherwise, otherwise]
    parts = np.array_split(given, max(1, min(POINTS, given.size // FEWEST)))
    medians = [float(f"{np.median(part):.4g}") for part in parts]
    return medians if len(medians) > 1 else medians * 2
