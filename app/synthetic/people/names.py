"""Names by country, gender and year of birth, as often as they are there."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from app.synthetic.countries import countries
from app.synthetic.pools import Groups, Pool, Rows, read, written

DATA = Path(__file__).parent / "data"
GENDERS = ("female", "male")
GENERATIONS = (1970, 1995)
"""First years of birth of the second generation and the third."""
EXPONENT = 0.9
GIVEN_SHIFT = 4.0
"""Names are as frequent as their rank says, by the law of Zipf and Mandelbrot: (rank + shift) to the minus exponent."""
UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})


@dataclass(frozen=True)
class Name:
    """A name in its own script, in Latin letters, and in the letters that mailboxes have."""

    native: str
    latin: str
    plain: str


class NamePool:
    """Names in groups, the frequent ones first."""

    def __init__(self, groups: list[tuple[list[Name], float]]) -> None:
        names = [name for group, _ in groups for name in group]
        self.native = Pool(name.native for name in names)
        self.latin = Pool(name.latin for name in names)
        self.plain = [name.plain for name in names]
        self.groups = Groups([[(rank + shift) ** -EXPONENT for rank in range(1, len(g) + 1)] for g, shift in groups])


class Names:
    """Given and family names of all countries."""

    def __init__(self) -> None:
        families = {line["country"]: line for line in read(DATA / "family.tsv")}
        given = {(line["country"], line["gender"], line["born"]): line["names"] for line in read(DATA / "given.tsv")}
        born = ("-1969", "1970-1994", "1995-")
        self.given = NamePool(
            [
                (list(_names(code, given[code, gender, years])), GIVEN_SHIFT)
                for code in countries()
                for gender in GENDERS
                for years in born
            ]
        )
        self.family = NamePool(
            [(list(_names(code, families[code]["names"])), float(families[code]["shift"])) for code in countries()]
        )
        self._second = Pool(["", *(f" {name}" for name in self.family.native.values.to_pylist())])
        self._family_first = np.array([country.family_first for country in countries().values()])
        self._two = np.array([country.family_names == 2 for country in countries().values()])
        own, other = self.given.native.values.to_pylist(), self.family.native.values.to_pylist()
        self._before = Pool(f"{name} " for name in (*own, *other))
        self._after = Pool([*own, *other])
        self._latin_before = Pool(f"{name} " for name in self.given.latin.values.to_pylist())
        self._offset = len(own)

    def draw_given(self, rng: np.random.Generator, country: Rows, gender: Rows, years: NDArray[np.integer]) -> Rows:
        """Draw given names by country, gender (as in GENDERS) and year of birth."""
        generation = (years >= GENERATIONS[0]).astype(np.int32)
        generation += years >= GENERATIONS[1]
        return self.given.groups.draw(rng, (country * len(GENDERS) + gender) * (len(GENERATIONS) + 1) + generation)

    def draw_family(self, rng: np.random.Generator, country: Rows) -> tuple[Rows, Rows]:
        """Draw family names, and second ones where people have two; 0 means no second name."""
        first = self.family.groups.draw(rng, country)
        if not self._two[country].any():
            return first, np.zeros(len(country), dtype=np.int32)
        return first, np.where(self._two[country], self.family.groups.draw(rng, country) + 1, 0).astype(np.int32)

    def families(self, family: Rows, second: Rows) -> pa.StringArray:
        """Return family names, both of them where there are two."""
        return written((self.family.native, family), *self._seconds(second))

    def full(self, country: Rows, given: Rows, family: Rows, second: Rows) -> pa.StringArray:
        """Return full names in their own script and order."""
        swapped = self._family_first[country]
        before, after = given, family + self._offset
        if swapped.any():
            before, after = np.where(swapped, after, before), np.where(swapped, before, after)
        return written((self._before, before), (self._after, after), *self._seconds(second))

    def full_latin(self, given: Rows, family: Rows, second: Rows) -> pa.StringArray:
        """Return full names in Latin letters, the given name first."""
        return written((self._latin_before, given), (self.family.latin, family), *self._seconds(second))

    def _seconds(self, second: Rows) -> list[tuple[Pool, Rows]]:
        return [(self._second, second)] if second.any() else []


@cache
def names() -> Names:
    """Return the shipped names."""
    return Names()


def _names(code: str, listed: str) -> Iterator[Name]:
    for entry in listed.split(","):
        native, _, latin = entry.partition("/")
        yield Name(native, latin or native, _plain(code, latin or native))


def _plain(code: str, name: str) -> str:
    """Return the first word of a name in letters a to z."""
    word = name.lower().split()[0] if code == "ES" else name.lower().replace(" ", "")
    spelt = word.translate(UMLAUTS) if code == "DE" else word
    return "".join(
        letter for letter in unicodedata.normalize("NFKD", spelt.replace("\u0131", "i")) if "a" <= letter <= "z"
    )
