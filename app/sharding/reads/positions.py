"""A place in a shard's write-ahead log, by which a reader finds its own writes on a standby."""

from __future__ import annotations

import re
from typing import NamedTuple, Self

FORM = re.compile(r"(?P<shard>[^:]{1,253}):(?P<high>[0-9A-F]{1,8})/(?P<low>[0-9A-F]{1,8})")


class WrongPosition(ValueError):
    """A text is no position; nothing was read."""


class Position(NamedTuple):
    """How far a shard's log was when something had been written."""

    shard: str
    lsn: int
    """Bytes from the beginning of the log."""

    def __str__(self) -> str:
        return f"{self.shard}:{self.lsn >> 32:X}/{self.lsn & 0xFFFFFFFF:X}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """The position that `str` has written; raises WrongPosition."""
        match = FORM.fullmatch(text)
        if match is None:
            raise WrongPosition(f"{text[:80]!r} is no position: it looks like aws-0:0/16B3748")
        return cls(match["shard"], (int(match["high"], 16) << 32) + int(match["low"], 16))
