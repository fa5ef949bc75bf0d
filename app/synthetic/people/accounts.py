"""User names and mailboxes that agree with the name of their owner."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from app.synthetic.errors import require
from app.synthetic.numbers.weights import Weights
from app.synthetic.people.names import Names, names
from app.synthetic.pools import Pool, Rows, joined, written

Domains: TypeAlias = Sequence[str] | Mapping[str, float]
RESERVED: Mapping[str, float] = {
    "example.com": 38,
    "example.org": 16,
    "example.net": 14,
    "mail.example": 12,
    "post.example": 8,
    "inbox.example": 7,
    "webmail.example": 5,
}
"""Domains that nobody can own, so that no mail arrives (RFC 2606, RFC 6761)."""
DOMAIN = re.compile(r"(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")
SEPARATORS = ("", ".", "_", "-")
STYLES: Mapping[tuple[bool, str], float] = {
    (False, "."): 38,
    (False, ""): 21,
    (True, ""): 17,
    (False, "_"): 10,
    (True, "."): 8,
    (False, "-"): 6,
}
"""How often people write their given name in full or as an initial, and what they put after it."""
NUMBERS: Mapping[str, float] = {"none": 44, "year of two digits": 25, "any of two digits": 21, "year": 10}
YEARS = (1900, 2100)


@dataclass(frozen=True)
class Handles:
    """The parts of a user name for each row: given name, family name, number."""

    given: Rows
    family: Rows
    number: Rows


class Accounts:
    """Parts of user names, and how they are put together."""

    def __init__(self, people: Names) -> None:
        given, family = people.given.plain, people.family.plain
        self._initials = len(given)
        self._families = len(family)
        self._given = Pool([*given, *(name[:1] for name in given)])
        self._family = Pool(separator + name for separator in SEPARATORS for name in family)
        self._style = Weights(list(STYLES.values()))
        self._initial = np.array([initial for initial, _ in STYLES], dtype=np.int32)
        self._separator = np.array([SEPARATORS.index(separator) for _, separator in STYLES], dtype=np.int32)
        self._number = Weights(list(NUMBERS.values()))
        self.numbers = ["", *map(str, range(1, 100)), *(f"{year:02}" for year in range(100)), *map(str, range(*YEARS))]
        self._numbered = Pool(self.numbers)

    def draw(self, rng: np.random.Generator, given: Rows, family: Rows, years: NDArray[np.int32]) -> Handles:
        """Draw user names of people with these names and years of birth."""
        style = self._style.draw(rng, len(given))
        return Handles(
            given + self._initial[style] * self._initials,
            family + self._separator[style] * self._families,
            self._numbers(rng, years),
        )

    def user_names(self, handles: Handles) -> pa.StringArray:
        """Return the user names; they may repeat."""
        return written(*self._names(handles), (self._numbered, handles.number))

    def mailboxes(self, rng: np.random.Generator, handles: Handles, ends: Mailboxes) -> pa.StringArray:
        """Return e-mail addresses; they may repeat."""
        return written(*self._names(handles), (ends.numbered, ends.draw(rng, handles.number)))

    def distinct(self, handles: Handles, numbers: NDArray[np.int64], end: pa.Array | pa.Scalar) -> pa.StringArray:
        """Return user names with unique numbers, and what follows them."""
        return joined(written(*self._names(handles)), pa.array(numbers).cast(pa.string()), end)

    def _names(self, handles: Handles) -> tuple[tuple[Pool, Rows], tuple[Pool, Rows]]:
        return (self._given, handles.given), (self._family, handles.family)

    def _numbers(self, rng: np.random.Generator, years: NDArray[np.int32]) -> Rows:
        kind = self._number.draw(rng, len(years))
        number = rng.integers(1, 100, len(years), dtype=np.int32)
        number *= kind == 2
        number += (kind == 1) * (100 + years % 100)
        number += (kind == 3) * (200 - YEARS[0] + years)
        return number


class Mailboxes:
    """What stands after the names in addresses of e-mail at some domains; raises ImpossibleParameters."""

    def __init__(self, domains: Domains) -> None:
        require(len(domains) > 0, "domains is empty: name at least one")
        for domain in domains:
            require(bool(DOMAIN.fullmatch(domain)), f"{domain!r} is no domain")
        self._weights = Weights(list(domains.values()) if isinstance(domains, Mapping) else [1.0] * len(domains))
        self.plain = Pool(f"@{domain}" for domain in domains)
        self.numbered = Pool(f"{number}@{domain}" for number in accounts().numbers for domain in domains)

    def draw(self, rng: np.random.Generator, number: Rows) -> Rows:
        """Return suffixes with these numbers, each at a domain."""
        return number * len(self._weights) + self.domains(rng, len(number))

    def domains(self, rng: np.random.Generator, rows: int) -> Rows:
        """Draw a domain for each row."""
        return self._weights.draw(rng, rows)


@cache
def accounts() -> Accounts:
    """Return the accounts for the shipped names."""
    return Accounts(names())
