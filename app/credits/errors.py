"""What the ledger refuses, each reason a type of its own."""

from __future__ import annotations


class CreditsError(Exception):
    """Nothing was stored; the message says what was wrong."""


class InvalidAccountId(CreditsError, ValueError):
    """The text cannot name an account."""


class InvalidAmount(CreditsError, ValueError):
    """An amount is not whole, not positive, or larger than what can be stored."""


class InvalidText(CreditsError, ValueError):
    """A reason or an identity is empty, too long, or holds what cannot be stored."""


class NaiveTimestamp(CreditsError, ValueError):
    """A moment without a time zone, which could mean any of several."""


class InvalidExpiry(CreditsError, ValueError):
    """Something would expire before it begins."""


class UnreadableEvent(CreditsError):
    """A stored event is of a type, a version or a form that this release does not know."""


class ImpossibleEvent(CreditsError):
    """An event that cannot have followed those before it: the stream is damaged, or belongs to something else."""


class UnknownAccount(CreditsError):
    """Nothing ever happened to the account."""

    def __init__(self, account: str) -> None:
        super().__init__(f"there is no account {account}")


class BalanceTooLarge(CreditsError):
    """The balance would leave the range of what can be stored."""


class AccountClosed(CreditsError):
    """The account was closed, which is for good."""

    def __init__(self, account: str) -> None:
        super().__init__(f"account {account} is closed")


class AccountNotEmpty(CreditsError):
    """An account that still holds credits cannot be closed."""

    def __init__(self, available: int, reserved: int) -> None:
        super().__init__(f"the account still holds {available} available and {reserved} reserved credits")


class InsufficientCredits(CreditsError):
    """The available credits do not cover what is asked."""

    def __init__(self, needed: int, available: int) -> None:
        super().__init__(f"{needed} credits are needed, {available} are available")
        self.needed = needed
        self.available = available


class SameAccount(CreditsError):
    """A transfer needs two accounts."""

    def __init__(self, account: str) -> None:
        super().__init__(f"{account} cannot transfer to itself")


class UnknownReservation(CreditsError):
    """The account has no such reservation."""

    def __init__(self, reservation: str) -> None:
        super().__init__(f"there is no reservation {reservation}")


class ReservationClosed(CreditsError):
    """The reservation holds nothing any more: it was captured, released, or it expired."""

    def __init__(self, reservation: str) -> None:
        super().__init__(f"reservation {reservation} is closed")


class ReservationExists(CreditsError):
    """The identity is taken by another reservation of the account."""

    def __init__(self, reservation: str) -> None:
        super().__init__(f"reservation {reservation} exists already")


class ReservationExceeded(CreditsError):
    """More was to be captured than the reservation holds."""

    def __init__(self, needed: int, reserved: int) -> None:
        super().__init__(f"{needed} credits are to be captured, {reserved} are reserved")
        self.needed = needed
        self.reserved = reserved
