"""Transfers between accounts: the two halves that `app.transfers` makes together or not at all."""

from __future__ import annotations

from app.credits.balances import Balances
from app.credits.errors import (
    AccountClosed,
    BalanceTooLarge,
    InsufficientCredits,
    SameAccount,
    UnknownAccount,
)
from app.credits.events import Event, TransferredIn, TransferredOut
from app.credits.model import Moved, Origin, Posted
from app.credits.shards import Shards
from app.credits.streams import EXPIRY, AccountStreams, Clock, retry_on_conflict
from app.credits.texts import Texts
from app.credits.values import AccountId
from app.events import Appended, BelowFloor, Overdue, StreamClosed, TotalOutOfRange
from app.transfers import Leg, Transfers


class AccountTransfers:
    """Makes transfers between accounts."""

    def __init__(
        self,
        shards: Shards,
        transfers: Transfers,
        streams: AccountStreams,
        balances: Balances,
        texts: Texts,
        clock: Clock,
    ) -> None:
        self._shards = shards
        self._transfers = transfers
        self._streams = streams
        self._balances = balances
        self._texts = texts
        self._clock = clock

    async def transfer(
        self, source: AccountId, target: AccountId, amount: int, reason: str | None, origin: Origin
    ) -> Moved:
        """Move credits; raises SameAccount, UnknownAccount, InsufficientCredits, AccountClosed, BalanceTooLarge,
        KeyReused, SubjectErased, and what `Transfers.transfer` raises besides."""
        if source == target:
            raise SameAccount(source)
        identity = origin.identity("transfer", source)
        out = TransferredOut(amount, identity, target, reason)
        into = TransferredIn(amount, identity, source, reason)
        await self._require(target)
        content = await self._texts.content(source, target, amount, text=reason, first=lambda: self._require(source))
        # Each account has the text under a key of its own: it is in the history of both, until one of them is erased.
        legs = await self._leg(source, out, origin), await self._leg(target, into, origin)
        return await retry_on_conflict(lambda: self._transfer(legs, out, content, origin))

    async def _transfer(self, legs: tuple[Leg, Leg], out: TransferredOut, content: bytes, origin: Origin) -> Moved:
        source, target = (AccountId(leg.stream) for leg in legs)
        try:
            made = await self._transfers.transfer(*legs, key=origin.key, content=content, now=self._clock())
        except Overdue:
            await self._streams.expire(source, Origin.of(EXPIRY))
            raise
        except BelowFloor as error:
            if not error.total and await self._balances.of(source) is None:
                raise UnknownAccount(source) from None
            raise InsufficientCredits(out.amount, error.total) from None
        except StreamClosed:
            head = await self._balances.of(source)
            raise AccountClosed(source if head and head.closed else target) from None
        except TotalOutOfRange:
            raise BalanceTooLarge(f"the balance of {target} would get too large") from None
        return Moved(out.transfer, self._posted(source, made.source), self._posted(target, made.target))

    def _posted(self, account: AccountId, appended: Appended) -> Posted:
        return Posted(self._shards.at(account)[0], appended.total, appended.version, appended.repeated)

    async def _leg(self, account: AccountId, event: Event, origin: Origin) -> Leg:
        sealed = await self._texts.seal(account, [event], origin)
        return Leg(account, sealed.events, floor=0 if event.change < 0 else None)

    async def _require(self, account: AccountId) -> None:
        if await self._balances.of(account) is None:
            raise UnknownAccount(account)
