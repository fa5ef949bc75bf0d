"""The reasons why a transfer fails."""

from __future__ import annotations

from app.database import DatabaseUnavailable


class TransferError(Exception):
    """A transfer failed for a reason other than its streams; nothing was stored."""


class SameStream(TransferError, ValueError):
    """Source and target are the same stream."""

    def __init__(self, stream: str) -> None:
        super().__init__(f"{stream} cannot transfer to itself")


class Unbalanced(TransferError, ValueError):
    """The source does not lose what the target gains."""

    def __init__(self, lost: int, gained: int) -> None:
        super().__init__(f"the source changes by {lost} and the target by {gained}: together that must be 0")


class TransferContended(TransferError):
    """Other writers held the streams for too long; the same transfer may be retried."""


class BranchMissing(TransferError):
    """One branch of a transfer is stored, the other is not: a server lost a write that it had acknowledged."""

    def __init__(self, stored: str, missing: str) -> None:
        super().__init__(f"the branch in {stored} is stored, the one in {missing} is not: restore what its shard lost")


class TransferInDoubt(DatabaseUnavailable):
    """Unknown whether the transfer was made. A retry with the same key returns the outcome once its shards answer."""
