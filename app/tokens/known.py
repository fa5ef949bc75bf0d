"""A cache of verified tokens: a caller who returns is known without checking the signature again."""

from __future__ import annotations

import time
from collections.abc import Callable
from hashlib import blake2b
from typing import NamedTuple

from app.tokens.verifier import Caller, Verifier

SIZE = 10_000
"""Most tokens in the cache."""
TRUSTED_SECONDS = 60.0
"""How long a verified token is trusted; a withdrawn key stays in use for this time at most."""


class _Known(NamedTuple):
    caller: Caller
    until: float
    """By the monotonic clock: the other clock may be set back."""


class KnownCallers:
    """Verifies a token every TRUSTED_SECONDS, and never trusts it beyond its expiry. Keeps hashes, not tokens."""

    def __init__(
        self,
        verifier: Verifier,
        *,
        size: int = SIZE,
        now: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._verifier = verifier
        self._size = size
        self._now = now
        self._monotonic = monotonic
        self._known: dict[bytes, _Known] = {}

    def remembered(self, token: str) -> Caller | None:
        """Return the caller with this token if it was verified recently."""
        known = self._known.get(_digest(token))
        if known is None or known.until <= self._monotonic() or known.caller.expires_at <= self._now():
            return None
        return known.caller

    async def caller(self, token: str) -> Caller:
        """Return the caller with this token; raise InvalidToken, or KeysUnavailable if it cannot be verified."""
        caller = self.remembered(token)
        if caller is None:
            caller = await self._verifier.caller(token)
            self._keep(token, caller)
        return caller

    def _keep(self, token: str, caller: Caller) -> None:
        if len(self._known) >= self._size:
            self._known.pop(next(iter(self._known)))  # the oldest
        self._known[_digest(token)] = _Known(caller, self._monotonic() + TRUSTED_SECONDS)


def _digest(token: str) -> bytes:
    return blake2b(token.encode("utf-8", "surrogateescape"), digest_size=16).digest()
