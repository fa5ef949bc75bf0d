"""The domain: an account, what can happen to it, and what its balance is then. No I/O."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import NewType

AccountId = NewType("AccountId", str)

ACCOUNT_PATTERN = r"^[A-Za-z0-9]([A-Za-z0-9._-]{0,62}[A-Za-z0-9])?$"
"""1 to 64 letters, digits, dots, dashes and underscores; the first and the last are a letter or digit."""
LARGEST_AMOUNT = 2**63 - 1
"""Amounts and balances are stored as bigint."""
LONGEST_REASON = 200

_ACCOUNT = re.compile(ACCOUNT_PATTERN)


class InvalidAccountId(ValueError):
    """The text cannot name an account."""


class InvalidAmount(ValueError):
    """An amount, or a balance that it would lead to, is out of range."""


def account_id(text: str) -> AccountId:
    """The account named by `text`; raises InvalidAccountId."""
    if not _ACCOUNT.fullmatch(text):
        raise InvalidAccountId(f"an account is named by 1 to 64 of A-Z a-z 0-9 . _ -, not by {text[:80]!r}")
    return AccountId(text)


@dataclass(frozen=True)
class Granted:
    """Credits were given to the account."""

    amount: int
    """Whole credits, 1 to LARGEST_AMOUNT."""
    reason: str | None = None

    def __post_init__(self) -> None:
        if isinstance(self.amount, bool) or not isinstance(self.amount, int):
            raise InvalidAmount(f"an amount is a whole number, not {self.amount!r}")
        if not 1 <= self.amount <= LARGEST_AMOUNT:
            raise InvalidAmount(f"an amount is between 1 and {LARGEST_AMOUNT}, not {self.amount}")


Event = Granted


@dataclass(frozen=True)
class Account:
    """An account as its events left it."""

    balance: int = 0
    version: int = 0
    """Number of events so far."""

    def apply(self, event: Event) -> Account:
        """The account after one more event; raises InvalidAmount where the balance would leave its range."""
        balance = self.balance + event.amount
        if balance > LARGEST_AMOUNT:
            raise InvalidAmount(f"the balance would be {balance}, more than {LARGEST_AMOUNT}")
        return replace(self, balance=balance, version=self.version + 1)

    @classmethod
    def from_events(cls, events: Iterable[Event]) -> Account:
        """The account that these events, from the first on, lead to."""
        account = cls()
        for event in events:
            account = account.apply(event)
        return account
