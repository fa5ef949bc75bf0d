"""Numbers that look like those of payment cards and belong to no card.

ISO/IEC 7812-1 leaves numbers that begin with 9 to the standards body of a country, whose three digits (ISO 3166-1) come
next. No country ever gets the digits 900 to 999, so nobody can issue a card that begins with 9900 to 9999.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from app.synthetic.digits import filled
from app.synthetic.errors import require
from app.synthetic.identifiers.checks import luhn_digit
from app.synthetic.pools import Rows

UNISSUED = tuple(f"9{country}" for country in range(900, 1000))
"""First digits that no issuer can have."""
SHORTEST, LONGEST = 12, 18


class Cards:
    """Card numbers of one length under some first digits; raises ImpossibleParameters."""

    def __init__(self, prefixes: Sequence[str] = UNISSUED, length: int = 16, *, spaced: bool = False) -> None:
        require(SHORTEST <= length <= LONGEST, f"length is {length}: it goes from {SHORTEST} to {LONGEST} digits")
        require(len(prefixes) > 0, "prefixes is empty: name at least one")
        for prefix in prefixes:
            known = re.fullmatch(r"[0-9]{1,11}", prefix) and len(prefix) < length - 1
            require(bool(known), f"{prefix!r} is no beginning of a number of {length} digits")
        self._open = np.array([10 ** (length - 1 - len(prefix)) for prefix in prefixes], dtype=np.int64)
        self._first = np.array([int(prefix) for prefix in prefixes], dtype=np.int64) * self._open
        self._template = " ".join(re.findall("d{1,4}", "d" * length)) if spaced else "d" * length

    def draw(self, rng: np.random.Generator, rows: int) -> pa.StringArray:
        """Draw card numbers with the right check digit."""
        which: Rows = rng.integers(0, len(self._first), rows, dtype=np.int32)
        payload: NDArray[np.int64] = (rng.random(rows) * self._open[which]).astype(np.int64)
        payload += self._first[which]
        return filled(self._template, {"d": payload * 10 + luhn_digit(payload)}, rows)
