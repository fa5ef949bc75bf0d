"""The credits ledger: accounts whose balance is the sum of what happened to them."""

from app.credits.account import (
    ACCOUNT_PATTERN,
    LARGEST_AMOUNT,
    Account,
    Granted,
    InvalidAccountId,
    InvalidAmount,
    account_id,
)
from app.credits.ledger import AccountState, Grant, Ledger, UnknownAccount

__all__ = [
    "ACCOUNT_PATTERN",
    "LARGEST_AMOUNT",
    "Account",
    "AccountState",
    "Grant",
    "Granted",
    "InvalidAccountId",
    "InvalidAmount",
    "Ledger",
    "UnknownAccount",
    "account_id",
]
