"""What can keep a transfer from being made."""

from __future__ import annotations

from app.database import DatabaseUnavailable


class TransferError(Exception):
    """Any refusal of a transfer that its streams do not make themselves; nothing was stored."""


class SameStream(TransferError, ValueError):
    """A transfer needs two streams."""

    def __init__(self, stream: str) -> None:
        super().__init__(f"{stream} cannot transfer to itself")


class Unbalanced(TransferError, ValueError):
    """What one side loses is not what the other one gains."""

    def __init__(self, lost: int, gained: int) -> None:
        super().__init__(f"the source changes by {lost} and the target by {gained}: together that must be 0")


class TransferContended(TransferError):
    """Others held the streams for too long; the same transfer may be tried again."""


class HalfMissing(TransferError):
    """One half of a transfer is stored and the other is not: a server has lost what it had acknowledged."""

    def __init__(self, stored: str, missing: str) -> None:
        super().__init__(f"the half in {stored} is stored, the one in {missing} is not: restore what its shard lost")


class TransferInDoubt(DatabaseUnavailable):
    """It is not known whether the transfer was made; asking again with the same key tells, once its shards answer."""
