"""Transfers between accounts: the two halves that `app.transfers` makes together or not at all."""

from __future__ import annotations

import orjson

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
from app.credits.streams import EXPIRY, AccountStreams, Clock, new_event, persistently
from app.credits.values import AccountId
from app.events import Appended, BelowFloor, Overdue, StreamClosed, TotalOutOfRange
from app.transfers import Leg, Transfers


class AccountTransfers:
    """Makes transfers between accounts."""

    def __init__(
        self, shards: Shards, transfers: Transfers, streams: AccountStreams, balances: Balances, clock: Clock
    ) -> None:
        self._shards = shards
        self._transfers = transfers
        self._streams = streams
        self._balances = balances
        self._clock = clock

    async def transfer(
        self, source: AccountId, target: AccountId, amount: int, reason: str | None, origin: Origin
    ) -> Moved:
        """Move credits; raises SameAccount, UnknownAccount, InsufficientCredits, AccountClosed, BalanceTooLarge,
        KeyReused, and what `Transfers.transfer` raises besides."""
        if source == target:
            raise SameAccount(source)
        identity = origin.identity("transfer", source)
        out = TransferredOut(amount, identity, target, reason)
        into = TransferredIn(amount, identity, source, reason)
        if await self._balances.of(target) is None:
            raise UnknownAccount(target)
        return await persistently(lambda: self._transfer(source, target, out, into, origin))

    async def _transfer(
        self, source: AccountId, target: AccountId, out: TransferredOut, into: TransferredIn, origin: Origin
    ) -> Moved:
        try:
            made = await self._transfers.transfer(
                _leg(source, out, origin),
                _leg(target, into, origin),
                key=origin.key,
                content=orjson.dumps([target, out.amount, out.reason]),
                now=self._clock(),
            )
        except Overdue:
            await self._streams.expire(source, Origin.of(EXPIRY))
            raise
        except BelowFloor as error:
            if not error.total and await self._balances.of(source) is None:
                raise UnknownAccount(source) from None
            raise InsufficientCredits(out.amount, error.total) from None
        except StreamClosed:
            standing = await self._balances.of(source)
            raise AccountClosed(source if standing and standing.closed else target) from None
        except TotalOutOfRange:
            raise BalanceTooLarge(f"the balance of {target} would get too large") from None
        return Moved(out.transfer, self._posted(source, made.source), self._posted(target, made.target))

    def _posted(self, account: AccountId, appended: Appended) -> Posted:
        return Posted(self._shards.at(account)[0], appended.total, appended.version, appended.repeated)


def _leg(account: AccountId, event: Event, origin: Origin) -> Leg:
    return Leg(account, new_event(event, origin), floor=0 if event.change < 0 else None)
