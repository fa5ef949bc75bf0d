"""Validated values of events and requests: names, amounts, texts and moments."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NewType, TypeAlias

from app.credits.errors import InvalidAccountId, InvalidAmount, InvalidExpiry, InvalidText, NaiveTimestamp

AccountId = NewType("AccountId", str)
Text: TypeAlias = str | Mapping[str, Any]
"""In somebody's own words; an object where it is sealed, as the store has it, or erased."""

ACCOUNT_PATTERN = r"^[A-Za-z0-9]([A-Za-z0-9._-]{0,62}[A-Za-z0-9])?$"
"""1 to 64 letters, digits, dots, dashes and underscores; the first and the last are a letter or digit."""
LARGEST_AMOUNT = 2**63 - 1
"""Amounts and balances are stored as bigint."""
LONGEST_REASON = 200

_ACCOUNT = re.compile(ACCOUNT_PATTERN)


def account_id(text: str) -> AccountId:
    """Return the account named by `text`; raise InvalidAccountId."""
    if not _ACCOUNT.fullmatch(text):
        raise InvalidAccountId(f"an account is named by 1 to 64 of A-Z a-z 0-9 . _ -, not by {text[:80]!r}")
    return AccountId(text)


def check_amount(amount: object) -> None:
    """Raise InvalidAmount for anything but a whole number from 1 to LARGEST_AMOUNT."""
    if type(amount) is not int:
        raise InvalidAmount(f"an amount is a whole number, not {amount!r}")
    if not 1 <= amount <= LARGEST_AMOUNT:
        raise InvalidAmount(f"an amount is between 1 and {LARGEST_AMOUNT}, not {amount}")


def check_text(text: Text | None, what: str) -> None:
    """Raise InvalidText for a text that is empty, longer than LONGEST_REASON, or holds a NUL."""
    if isinstance(text, str) and (not 1 <= len(text) <= LONGEST_REASON or "\x00" in text):
        raise InvalidText(f"a {what} has 1 to {LONGEST_REASON} characters and no NUL")


def moment(value: datetime) -> datetime:
    """Return the same moment in UTC; raise NaiveTimestamp."""
    if value.tzinfo is UTC:
        return value
    if value.utcoffset() is None:
        raise NaiveTimestamp(f"{value.isoformat()} has no time zone")
    return value.astimezone(UTC)


def check_expiry(expires_at: datetime | None, now: datetime) -> None:
    """Raise InvalidExpiry where `expires_at` is not later than `now`, and NaiveTimestamp."""
    if expires_at is not None and moment(expires_at) <= moment(now):
        raise InvalidExpiry(f"{expires_at.isoformat()} is not in the future")
