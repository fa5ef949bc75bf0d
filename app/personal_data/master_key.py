"""The master key, which wraps the subjects' data keys: kept by a cloud, or locally in a file."""

from __future__ import annotations

from hashlib import sha256
from typing import NamedTuple, Protocol


class Wrapped(NamedTuple):
    """A data key that only its master key can read."""

    key_id: str
    """Which master key, and which version of it where its keeper counts them."""
    value: bytes


class MasterKey(Protocol):
    """A key that never leaves its keeper; every call may block for as long as the keeper takes.

    The context is bound to what is wrapped: unwrapping with another one fails. All raise MasterKeyFailed.
    """

    def current(self) -> str:
        """Return the `key_id` of keys that are wrapped now, to find those that a rotation left behind."""
        ...

    def wrap(self, secret: bytes, context: bytes) -> Wrapped:
        """Wrap a data key with the current master key."""
        ...

    def unwrap(self, wrapped: Wrapped, context: bytes) -> bytes:
        """Unwrap a data key, even one that an earlier master key wrapped."""
        ...


def context_of(subject: str) -> bytes:
    """Return what binds a wrapped key to its subject; hashed, since clouds write it into audit logs."""
    return sha256(b"fortress data key\0" + subject.encode()).digest()
