"""Accounts that were seen lately, as they were then: a hint that saves a round trip, never the truth."""

from __future__ import annotations

from collections import OrderedDict

from app.credits.account import NEW, Account, fold
from app.credits.events import Event

SIZE = 10_000


class Recent:
    """The accounts that were used last."""

    def __init__(self, size: int = SIZE) -> None:
        self._size = size
        self._accounts: OrderedDict[str, Account] = OrderedDict()

    def get(self, name: str) -> Account | None:
        """Return the account as it was last seen."""
        account = self._accounts.get(name)
        if account is not None:
            self._accounts.move_to_end(name)
        return account

    def keep(self, name: str, account: Account) -> None:
        """Remember an account, unless a newer version is known."""
        known = self._accounts.get(name)
        if known is None or known.version < account.version:
            self._accounts[name] = account
        self._accounts.move_to_end(name)
        if len(self._accounts) > self._size:
            self._accounts.popitem(last=False)

    def follow(self, name: str, event: Event, version: int) -> None:
        """Apply an event stored as `version` if the cached account immediately precedes it."""
        before = self._accounts.get(name) or (NEW if version == 1 else None)
        if before is not None and before.version == version - 1:
            self.keep(name, fold((event,), before))

    def forget(self, name: str) -> None:
        """Drop an account that turned out to be out of date."""
        self._accounts.pop(name, None)
