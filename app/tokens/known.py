"""Tokens that were verified lately: a caller who comes again is known without another look at the signature."""

from __future__ import annotations

import time
from collections.abc import Callable
from hashlib import blake2b
from typing import NamedTuple

from app.tokens.verifier import Caller, Verifier

SIZE = 10_000
TRUSTED_SECONDS = 60.0
"""How long a verified token is taken unseen, and so the longest that a key stays in use after it was withdrawn."""


class _Known(NamedTuple):
    caller: Caller
    until: float
    """By the monotonic clock: the other one may be set back."""


class KnownCallers:
    """Verifies a token once in a while, and never trusts it beyond its end; keeps hashes, no tokens."""

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
        """Who holds the token, where that was found out lately."""
        known = self._known.get(_digest(token))
        if known is None or known.until <= self._monotonic() or known.caller.expires_at <= self._now():
            return None
        return known.caller

    async def caller(self, token: str) -> Caller:
        """Who holds the token; raises InvalidToken, and KeysUnavailable where it cannot be told."""
        caller = self.remembered(token)
        if caller is None:
            caller = await self._verifier.caller(token)
            self._keep(token, caller)
        return caller

    def _keep(self, token: str, caller: Caller) -> None:
        if len(self._known) >= self._size:
            self._known.pop(next(iter(self._known)))  # the one that was verified first
        self._known[_digest(token)] = _Known(caller, self._monotonic() + TRUSTED_SECONDS)


def _digest(token: str) -> bytes:
    return blake2b(token.encode("utf-8", "surrogateescape"), digest_size=16).digest()
