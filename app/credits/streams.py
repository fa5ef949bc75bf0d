"""Accounts as streams of events: appended to blindly where the database can judge, else loaded and decided on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

import stamina

from app.credits import decisions
from app.credits.account import Account, fold
from app.credits.balances import Balances
from app.credits.decisions import Decision
from app.credits.errors import AccountClosed, BalanceTooLarge, CreditsError, InsufficientCredits, UnknownAccount
from app.credits.events import Closed, Event, Granted, Reserved
from app.credits.model import Origin, Posted
from app.credits.recent import Recent
from app.credits.shards import Shards
from app.credits.state import ACCOUNTS, read_event, snapshot
from app.credits.texts import Texts
from app.credits.values import AccountId
from app.events import (
    Append,
    Appended,
    BelowFloor,
    EventStore,
    KeyReused,
    Overdue,
    Slot,
    StreamClosed,
    TotalOutOfRange,
    VersionConflict,
    WrongEpoch,
)
from app.events.append import content_hash, key_hash
from app.events.snapshots import EVERY, PAGE, load
from app.personal_data import Sealed
from app.personal_data.keys import nothing
from app.queries import query
from app.topology import Place

RETRY_SECONDS = 5.0
"""How long a change that loses against others is tried again; then VersionConflict, Overdue or WrongEpoch is raised."""
FIRST_WAIT_SECONDS = 0.002
LONGEST_WAIT_SECONDS = 0.1

Clock = Callable[[], datetime]
Result = TypeVar("Result")

_RETRIED = (VersionConflict, Overdue, WrongEpoch)


class AccountStreams:
    """The streams of all accounts."""

    def __init__(self, shards: Shards, balances: Balances, texts: Texts, clock: Clock) -> None:
        self._shards = shards
        self._texts = texts
        self._balances = balances
        self._clock = clock
        self._recent = Recent()

    async def post(self, account: AccountId, event: Event, origin: Origin) -> Posted:
        """Append an event whose only condition is that the available credits cover it: one round trip.

        Raises InsufficientCredits, UnknownAccount, AccountClosed, BalanceTooLarge, KeyReused, SubjectErased,
        DatabaseUnavailable.
        """
        first = nothing if isinstance(event, Granted) else partial(self._require, account)
        sealed = await self._texts.seal(account, [event], origin, first=first)
        try:
            return await self._post(account, event, sealed, origin)
        except _RETRIED:
            return await retry_on_conflict(lambda: self._post(account, event, sealed, origin))

    async def decide(
        self, account: AccountId, decision: Decision, origin: Origin, *parts: Any, text: str | None = None
    ) -> Posted:
        """Load the account, decide, and append the one event that follows, unless the account has moved on meanwhile.

        `parts` and `text` are what the idempotency key stands for. Raises what the decision does, UnknownAccount,
        AccountClosed, KeyReused, SubjectErased, DatabaseUnavailable.
        """
        content = await self._texts.content(account, *parts, text=text, first=partial(self._require, account))
        try:
            return await self._decide(account, decision, origin, content)
        except _RETRIED:
            return await retry_on_conflict(lambda: self._decide(account, decision, origin, content))

    async def load(self, account: AccountId) -> Account:
        """Return the account as it is now; `NEW` where nothing ever happened to it."""
        _, store = self._shards.at(account)
        known = self._recent.get(account)
        loaded = (await load(store, account, ACCOUNTS)).state if known is None else await _more(store, account, known)
        if loaded.version:
            self._recent.keep(account, loaded)
        return loaded

    async def expire(self, account: AccountId, origin: Origin) -> int:
        """Record what expired and return the number of events; raise VersionConflict where the account moved on."""
        state = await self.load(account)
        events = decisions.expire(state, self._clock())
        place, store = self._shards.at(account)
        if not events:
            parameters = {"stream": account, "version": state.version, "due": state.due}
            await self._shards.database(account).rows(query("credits.settle_due"), parameters)
            return 0
        await self._append(account, place, store, events, state, origin, None)
        return len(events)

    async def find(self, account: AccountId, origin: Origin, content: bytes) -> Posted | None:
        """Return what an earlier request with the same key stored; raise KeyReused where its content differs."""
        parameters = {"stream": account, "key": key_hash(origin.key)}
        rows = await self._shards.database(account).rows(query("credits.find_request"), parameters)
        if not rows:
            return None
        version, total, stands_for = rows[0]
        if stands_for != content_hash(content):
            raise KeyReused(f"the idempotency key already stands for another request to {account}")
        return Posted(self._shards.at(account)[0], total, version, repeated=True)

    async def _post(self, account: AccountId, event: Event, sealed: Sealed, origin: Origin) -> Posted:
        place, store = self._shards.at(account)
        now = self._clock()
        blind = Append(
            account,
            sealed.events,
            Slot(place.slot, place.epoch),
            idempotency_key=origin.key,
            content=sealed.content,
            floor=0 if event.change < 0 else None,
            due=event.expires_at if isinstance(event, Granted | Reserved) else None,
            now=now,
        )
        try:
            appended = await store.append(self._add_snapshot(blind, event, now))
        except Overdue:
            await self.expire(account, Origin.of(EXPIRY))
            raise
        except BelowFloor as error:
            if not error.total and await self._balances.of(account) is None:
                raise UnknownAccount(account) from None
            raise InsufficientCredits(-event.change, error.total) from None
        except (WrongEpoch, VersionConflict, StreamClosed, TotalOutOfRange) as error:
            raise await self._refusal(account, error) from None
        if not appended.repeated:
            self._recent.follow(account, event, appended.version)
        return _posted(place, appended)

    def _add_snapshot(self, blind: Append, event: Event, now: datetime) -> Append:
        """Tie an append to its version where the event makes a snapshot due and the account before it is known."""
        known = self._recent.get(blind.stream)
        if known is None or (known.version + 1) % EVERY or _is_due(known, now):
            return blind
        if known.closed or known.available + event.change < 0:
            return blind  # what is known may be out of date: let the database judge
        after = fold((event,), known)
        return replace(blind, expected_version=known.version, due=after.due, snapshot=snapshot(after))

    async def _decide(self, account: AccountId, decision: Decision, origin: Origin, content: bytes) -> Posted:
        place, store = self._shards.at(account)
        state = self._recent.get(account) or await self.load(account)
        if _is_due(state, self._clock()):
            await self.expire(account, Origin.of(EXPIRY))
            state = await self.load(account)
        try:
            if not state.version:
                raise UnknownAccount(account)
            if state.closed:
                raise AccountClosed(account)
            decided = decision(state)
        except CreditsError:
            if (found := await self.find(account, origin, content)) is not None:
                return found
            await self._confirm(account, state)
            raise
        return await self._append(account, place, store, decided, state, origin, content)

    async def _append(
        self,
        account: AccountId,
        place: Place,
        store: EventStore,
        events: Sequence[Event],
        state: Account,
        origin: Origin,
        content: bytes | None,
    ) -> Posted:
        after = fold(events, state)
        crosses = after.version // EVERY > state.version // EVERY
        sealed = await self._texts.seal(account, events, origin)
        try:
            appended = await store.append(
                Append(
                    account,
                    sealed.events,
                    Slot(place.slot, place.epoch),
                    expected_version=state.version,
                    idempotency_key=origin.key,
                    content=content,
                    due=after.due,
                    snapshot=snapshot(after) if crosses else None,
                    closes=isinstance(events[-1], Closed),
                )
            )
        except (WrongEpoch, VersionConflict, StreamClosed, TotalOutOfRange) as error:
            raise await self._refusal(account, error) from None
        if not appended.repeated:
            self._recent.keep(account, after)
        return _posted(place, appended)

    async def _require(self, account: AccountId) -> None:
        """Raise UnknownAccount where the account does not exist: no key is made for it."""
        if await self._balances.of(account) is None:
            raise UnknownAccount(account)

    async def _confirm(self, account: AccountId, state: Account) -> None:
        """Raise VersionConflict where a refusal was decided on an outdated state."""
        head = await self._balances.of(account)
        version = head.version if head else 0
        if version != state.version:
            self._recent.forget(account)
            raise VersionConflict(account, state.version, version)

    async def _refusal(self, account: AccountId, error: Exception) -> Exception:
        """Translate an error of the store, and drop what is outdated before another attempt."""
        self._recent.forget(account)
        if isinstance(error, WrongEpoch):
            await self._shards.router.refresh()
        if isinstance(error, StreamClosed):
            return AccountClosed(account)
        if isinstance(error, TotalOutOfRange):
            return BalanceTooLarge(f"the balance of {account} would get too large")
        return error


async def _more(store: EventStore, account: AccountId, known: Account) -> Account:
    """Fold the events that came after the known version of an account."""
    while events := await store.read_past(account, after=known.version, limit=PAGE):
        known = fold(map(read_event, events), known)
        if len(events) < PAGE:
            break
    return known


async def retry_on_conflict(change: Callable[[], Awaitable[Result]]) -> Result:
    """Repeat a change, with growing pauses, as long as it only loses races."""
    async for attempt in stamina.retry_context(
        on=_RETRIED,
        attempts=None,
        timeout=RETRY_SECONDS,
        wait_initial=FIRST_WAIT_SECONDS,
        wait_max=LONGEST_WAIT_SECONDS,
        wait_jitter=FIRST_WAIT_SECONDS,
    ):
        with attempt:
            return await change()
    raise AssertionError("the last attempt returns or raises")


EXPIRY = "expiry"
"""Actor of what happens by itself."""


def _posted(place: Place, appended: Appended) -> Posted:
    return Posted(place, appended.total, appended.version, appended.repeated)


def _is_due(account: Account, now: datetime) -> bool:
    return account.due is not None and account.due <= now
