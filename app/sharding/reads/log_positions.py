"""Positions in a shard's write-ahead log: for reading your own writes on a standby, and for a standby's age. Pure."""

from __future__ import annotations

import math
import re
from collections import deque
from typing import NamedTuple, Self

POSITION_FORM = re.compile(r"(?P<shard>[^:]{1,253}):(?P<high>[0-9A-F]{1,8})/(?P<low>[0-9A-F]{1,8})")
SAMPLES = 512
"""Positions of the primary that are remembered. A standby further behind counts as infinitely old."""


class WrongPosition(ValueError):
    """A text is not a position."""


class Position(NamedTuple):
    """How far a shard's log was after a write."""

    shard: str
    lsn: int
    """Bytes from the beginning of the log."""

    def __str__(self) -> str:
        return f"{self.shard}:{self.lsn >> 32:X}/{self.lsn & 0xFFFFFFFF:X}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse what `str` wrote; raise WrongPosition."""
        match = POSITION_FORM.fullmatch(text)
        if match is None:
            raise WrongPosition(f"{text[:80]!r} is no position: it looks like aws-0:0/16B3748")
        return cls(match["shard"], (int(match["high"], 16) << 32) + int(match["low"], 16))


class LagClock:
    """When the primary's log was where, by our clock.

    A standby that has replayed the primary's position of some moment shows everything up to that moment. So its age
    needs no other clock, and an idle primary does not make its standbys look old.
    """

    def __init__(self, samples: int = SAMPLES) -> None:
        self._seen: deque[tuple[float, int]] = deque(maxlen=samples)

    def saw(self, lsn: int, at: float) -> None:
        """Record that the primary's log was at `lsn` at the moment `at`; moments must not decrease."""
        if self._seen and lsn < self._seen[-1][1]:
            self._seen.clear()  # another primary with a shorter log: earlier positions mean nothing
        self._seen.append((at, lsn))

    def fresh_until(self, replayed: int) -> float:
        """Return the last moment whose data a standby at `replayed` shows for certain; -inf if unknown."""
        return next((at for at, lsn in reversed(self._seen) if lsn <= replayed), -math.inf)
