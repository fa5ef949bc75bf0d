"""What can be done with accounts: each operation finds the account's home shard and works there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.credits.account import AccountId, Granted, InvalidAmount
from app.events import EventStore, NewEvent, TotalOutOfRange
from app.sharding import Place, Router


class UnknownAccount(Exception):
    """Nothing ever happened to the account."""


@dataclass(frozen=True)
class Grant:
    """A grant that is stored."""

    place: Place
    balance: int
    """The balance right after it."""
    version: int
    position: int
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
        """Give credits to an account; raises InvalidAmount where its balance would get too large, and KeyReused."""
        place, store = self._router.route(account)
        try:
            stored = await store.append(account, _event(granted, actor), idempotency_key=idempotency_key)
        except TotalOutOfRange:
            raise InvalidAmount(f"the balance of {account} would get too large") from None
        return Grant(place, stored.total, stored.version, stored.position, stored.repeated)

    async def account(self, account: AccountId) -> AccountState:
        """The account as it is now; raises UnknownAccount."""
        place, store = self._router.route(account)
        head = await store.head(account)
        if head is None:
            raise UnknownAccount(f"there is no account {account}")
        return AccountState(place, head.total, head.version)

    async def history(self, account: AccountId, *, after: int = 0, limit: int = 1000) -> Sequence[Granted]:
        """What happened to an account, in order, from the event behind version `after` on."""
        _, store = self._router.route(account)
        events = await store.read(account, after=after, limit=limit)
        return [Granted(event.data["amount"], event.data.get("reason")) for event in events]


def _event(granted: Granted, actor: str) -> NewEvent:
    data: dict[str, int | str] = {"amount": granted.amount}
    if granted.reason is not None:
        data["reason"] = granted.reason
    return NewEvent("Granted", data, change=granted.amount, metadata={"actor": actor})
