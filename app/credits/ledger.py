"""What can be done with accounts: each operation finds the account's home shard and works there."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from app.credits.errors import BalanceTooLarge, UnknownAccount
from app.credits.events import Event, Granted, decode, encode
from app.credits.values import AccountId
from app.events import EventStore, NewEvent, Slot, TotalOutOfRange
from app.sharding import Place, Router


@dataclass(frozen=True)
class Grant:
    """A grant that is stored."""

    place: Place
    balance: int
    """The balance right after it."""
    version: int
    repeated: bool
    """Whether an earlier request with the same idempotency key stored it."""


@dataclass(frozen=True)
class AccountState:
    """An account as it is now."""

    place: Place
    balance: int
    version: int


class Ledger:
    """All accounts, wherever their home is."""

    def __init__(self, router: Router[EventStore]) -> None:
        self._router = router

    async def grant(
        self, account: AccountId, granted: Granted, *, actor: str, idempotency_key: str | None = None
    ) -> Grant:
        """Give credits to an account; raises BalanceTooLarge, and KeyReused."""
        place, store = self._router.route(account)
        try:
            stored = await store.append(
                account,
                _event(granted, actor),
                slot=Slot(place.slot, place.epoch),
                # Every event has a key: so a call whose connection was lost can be repeated without storing it twice.
                idempotency_key=idempotency_key or f"once-{uuid.uuid4()}",
            )
        except TotalOutOfRange:
            raise BalanceTooLarge(f"the balance of {account} would get too large") from None
        return Grant(place, stored.total, stored.version, stored.repeated)

    async def account(self, account: AccountId) -> AccountState:
        """The account as it is now; raises UnknownAccount."""
        place, store = self._router.route(account)
        head = await store.head(account)
        if head is None:
            raise UnknownAccount(account)
        return AccountState(place, head.total, head.version)

    async def history(self, account: AccountId, *, after: int = 0, limit: int = 1000) -> Sequence[Event]:
        """What happened to an account, in order, from the event behind version `after` on."""
        _, store = self._router.route(account)
        events = await store.read(account, after=after, limit=limit)
        return [decode(event.type, event.schema_version, event.data) for event in events]


def _event(granted: Granted, actor: str) -> NewEvent:
    return NewEvent("Granted", encode(granted), change=granted.change, metadata={"actor": actor})
