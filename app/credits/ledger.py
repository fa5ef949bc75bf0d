"""The ledger's operations: each finds the account's home shard and works there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

from app.credits import decisions
from app.credits.account import fold
from app.credits.balances import AccountHead, Balances
from app.credits.errors import UnknownAccount, UnknownReservation
from app.credits.events import Event, Granted, Reserved, Spent
from app.credits.metrics import LedgerMetrics, counted
from app.credits.model import Balance, Moved, Origin, Posted, ReservationLine, StatementLine
from app.credits.shards import Shards
from app.credits.state import read_event
from app.credits.streams import AccountStreams, Clock, retry_on_conflict
from app.credits.texts import Texts
from app.credits.transfers import AccountTransfers
from app.credits.values import LARGEST_AMOUNT, AccountId, check_amount, check_expiry
from app.personal_data import PersonalData
from app.queries import query
from app.transfers import Transfers

PAGE = 50
LARGEST_PAGE = 500


def utc_now() -> datetime:
    """Return the current time, in UTC."""
    return datetime.now(UTC)


class Ledger:
    """All accounts, on every shard.

    Every change raises KeyReused where its origin's key stands for another request to the account, DatabaseUnavailable
    where it is not known whether it was stored, and VersionConflict, Overdue or WrongEpoch where others were faster for
    seconds; a repeated request returns what the first one did. A reason is sealed under the key of the account, so a
    change that has one raises SubjectErased where the account was erased, and MasterKeyFailed.
    """

    def __init__(
        self,
        shards: Shards,
        transfers: Transfers,
        personal: PersonalData,
        *,
        clock: Clock = utc_now,
        metrics: LedgerMetrics | None = None,
    ) -> None:
        self._shards = shards
        self._clock = clock
        self._balances = Balances(shards)
        self._texts = Texts(personal)
        self._streams = AccountStreams(shards, self._balances, self._texts, clock)
        self._transfers = AccountTransfers(shards, transfers, self._streams, self._balances, self._texts, clock)
        self.metrics = metrics or LedgerMetrics()

    @counted
    async def grant(
        self,
        account: AccountId,
        amount: int,
        *,
        origin: Origin,
        reason: str | None = None,
        expires_at: datetime | None = None,
    ) -> Posted:
        """Give credits to an account, which comes into being with its first grant.

        Raises InvalidAmount, InvalidExpiry, NaiveTimestamp, BalanceTooLarge, AccountClosed.
        """
        granted = Granted(amount, reason, expires_at)
        check_expiry(granted.expires_at, self._clock())
        return await self._streams.post(account, granted, origin)

    @counted
    async def spend(self, account: AccountId, amount: int, *, origin: Origin, reason: str | None = None) -> Posted:
        """Use available credits; raises InvalidAmount, InsufficientCredits, UnknownAccount, AccountClosed."""
        return await self._streams.post(account, Spent(amount, reason), origin)

    @counted
    async def reserve(
        self,
        account: AccountId,
        amount: int,
        *,
        origin: Origin,
        reason: str | None = None,
        expires_at: datetime | None = None,
    ) -> tuple[str, Posted]:
        """Set available credits aside under an identity that is given here; raises what `spend` does, InvalidExpiry."""
        reserved = Reserved(amount, origin.identity("reservation", account), reason, expires_at)
        check_expiry(reserved.expires_at, self._clock())
        return reserved.reservation, await self._streams.post(account, reserved, origin)

    @counted
    async def capture(
        self,
        account: AccountId,
        reservation: str,
        amount: int | None = None,
        *,
        origin: Origin,
        reason: str | None = None,
    ) -> Posted:
        """Use `amount` of the reserved credits, or all; the reservation keeps the rest.

        Raises InvalidAmount, UnknownAccount, UnknownReservation, ReservationClosed, ReservationExceeded.
        """
        if amount is not None:
            check_amount(amount)
        decision = partial(decisions.capture, identity=reservation, amount=amount, reason=reason)
        return await self._streams.decide(account, decision, origin, "capture", reservation, amount, text=reason)

    @counted
    async def release(self, account: AccountId, reservation: str, *, origin: Origin) -> Posted:
        """Give back what is left of a reservation; raises UnknownAccount, UnknownReservation, ReservationClosed."""
        decision = partial(decisions.release, identity=reservation)
        return await self._streams.decide(account, decision, origin, "release", reservation)

    @counted
    async def transfer(
        self, source: AccountId, target: AccountId, amount: int, *, origin: Origin, reason: str | None = None
    ) -> Moved:
        """Move available credits to another account, wherever that is at home.

        Raises InvalidAmount, SameAccount, InsufficientCredits, UnknownAccount, AccountClosed, BalanceTooLarge.
        """
        return await self._transfers.transfer(source, target, amount, reason, origin)

    @counted
    async def close(self, account: AccountId, *, origin: Origin, reason: str | None = None) -> Posted:
        """End an empty account, for good; raises UnknownAccount, AccountNotEmpty, AccountClosed."""
        decision = partial(decisions.close, reason=reason)
        return await self._streams.decide(account, decision, origin, "close", text=reason)

    @counted
    async def expire(self, account: AccountId, *, origin: Origin) -> int:
        """Record expired grants and reservations; return the number of events."""
        return await retry_on_conflict(lambda: self._streams.expire(account, origin))

    async def balance(self, account: AccountId) -> Balance:
        """Return the account as it is now, without what has expired; raise UnknownAccount."""
        head = await self._balances.of(account)
        if head is None:
            raise UnknownAccount(account)
        if head.due is not None and head.due <= self._clock():
            return await self._settled(account, head)
        return Balance(head.place, head.version, head.available, head.reserved, head.closed)

    async def history(self, account: AccountId, *, after: int = 0, limit: int = 1000) -> Sequence[Event]:
        """Return the events of an account in order, from the one behind version `after` on."""
        _, store = self._shards.at(account)
        events = await store.read(account, after=after, limit=limit)
        opened = await self._texts.opened([event.data for event in events])
        return [read_event(event._replace(data=data)) for event, data in zip(events, opened, strict=True)]

    async def statement(
        self, account: AccountId, *, before: int | None = None, limit: int = PAGE
    ) -> Sequence[StatementLine]:
        """Return the account statement, latest line first, from the line before version `before` on.

        Read from the read model, and behind its end from the events: so it shows every change that was answered. Raises
        UnknownAccount.
        """
        rows = await self._page(query("credits.read_statement"), account, before, limit)
        *known, sealed = zip(*rows, strict=True) if rows else [()] * len(StatementLine._fields)
        return list(map(StatementLine, *known, await self._texts.opened(sealed)))

    async def reservations(
        self, account: AccountId, *, before: int | None = None, limit: int = PAGE
    ) -> Sequence[ReservationLine]:
        """Return reservations of an account, latest first, from the one before version `before` on.

        Raises UnknownAccount.
        """
        rows = await self._page(query("credits.read_reservations"), account, before, limit)
        return [ReservationLine._make(row) for row in rows]

    async def reservation(self, account: AccountId, reservation: str) -> ReservationLine:
        """Return a reservation, open or closed; raise UnknownReservation."""
        rows = await self._rows(query("credits.read_reservation"), account, reservation=reservation)
        if not rows:
            raise UnknownReservation(reservation)
        return ReservationLine._make(rows[0])

    async def _settled(self, account: AccountId, head: AccountHead) -> Balance:
        state = await self._streams.load(account)
        state = fold(decisions.expire(state, self._clock()), state)
        return Balance(head.place, head.version, state.available, state.reserved, state.closed)

    async def _page(self, text: str, account: AccountId, before: int | None, limit: int) -> list[Any]:
        # Tells unknown accounts, and finds the shard of one that has just moved.
        if await self._balances.of(account) is None:
            raise UnknownAccount(account)
        before = LARGEST_AMOUNT if before is None else before
        return await self._rows(text, account, before=before, limit=min(limit, LARGEST_PAGE))

    async def _rows(self, text: str, account: AccountId, **parameters: Any) -> list[Any]:
        return await self._shards.database(account).rows(text, {"stream": account, **parameters})
