"""Streets, houses and flats, and addresses as the post offices of each country want them written."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from app.synthetic.countries import countries
from app.synthetic.places.gazetteer import DATA, Gazetteer, gazetteer
from app.synthetic.pools import Pool, Rows, read, uniform, written

HOUSES = 4096
"""Numbers and flats in the pool of a country."""
RANGE = re.compile(r"\{(\w+)\.\.(\w+)\}")
SEED = 7


@dataclass(frozen=True)
class Doors:
    """A street, a house number and a flat for each row."""

    street: Rows
    house: Rows
    unit: Rows


class Addresses:
    """What is before and after the house number, the numbers, and the flats, of all countries."""

    def __init__(self, places: Gazetteer) -> None:
        codes = list(countries())
        streets = [list(_streets(code)) for code in codes]
        houses = [list(_filled(country.houses)) for country in countries().values()]
        units = [list(_filled(country.units)) for country in countries().values()]
        self._places = places
        self._streets, self._houses, self._units = (uniform(map(len, part)) for part in (streets, houses, units))
        self._before = _Piece([[before for before, _ in street] for street in streets])
        self._after = _Piece([[after for _, after in street] for street in streets])
        self._house = _Piece(houses)
        self._unit = _Piece(units)

    def draw(self, rng: np.random.Generator, places: Rows) -> Doors:
        """Draw a door in each of these places."""
        country = self._places.country[places]
        return Doors(*(part.draw(rng, country) for part in (self._streets, self._houses, self._units)))

    def streets(self, places: Rows, doors: Doors) -> pa.StringArray:
        """Return first lines of addresses: street, house number and flat."""
        return self._written(places, doors, _around(self._places, "street", "\n"))

    def addresses(self, places: Rows, doors: Doors, *, lines: bool) -> pa.StringArray:
        """Return whole addresses, in lines or in one."""
        return self._written(places, doors, _around(self._places, "address", "\n" if lines else ""))

    def _written(self, places: Rows, doors: Doors, around: tuple[_Piece, _Piece]) -> pa.StringArray:
        country = self._places.country[places]
        lead, tail = around
        pieces = (
            (lead, places),
            (self._before, doors.street),
            (self._house, doors.house),
            (self._after, doors.street),
            (self._unit, doors.unit),
            (tail, places),
        )
        present = np.flatnonzero(np.bincount(country, minlength=len(countries())))
        return written(*((piece.pool, rows) for piece, rows in pieces if not piece.blank[present].all()))


class _Piece:
    """One part of an address, by country; a part that is empty in a whole country can be left out there."""

    def __init__(self, texts: list[list[str]]) -> None:
        self.pool = Pool(text for place_texts in texts for text in place_texts)
        self.blank: NDArray[np.bool_] = np.array([not any(place_texts) for place_texts in texts])


@cache
def addresses() -> Addresses:
    """Return the addresses of the shipped places."""
    return Addresses(gazetteer())


@cache
def _around(places: Gazetteer, template: str, separator: str) -> tuple[_Piece, _Piece]:
    """Return the text before the door, and after it, in each place."""
    written: list[list[tuple[str, str]]] = [[] for _ in countries()]
    for district, number in zip(places.districts, places.country, strict=True):
        country = countries()[district.country]
        text = district.text(getattr(country, template)).replace("|", separator or country.joiner)
        lead, _, tail = text.partition("{door}")
        written[number].append((lead, tail))
    return _Piece([[lead for lead, _ in part] for part in written]), _Piece(
        [[tail for _, tail in part] for part in written]
    )


def _streets(code: str) -> Iterator[tuple[str, str]]:
    """Return the text before and after the house number for each street of a country."""
    for line in read(DATA / "streets.tsv"):
        if line["country"] == code:
            for name in line["names"].split(","):
                before, _, after = line["form"].format(name).partition("#")
                yield before, after


def _filled(forms: str) -> Iterator[str]:
    """Expand forms such as `0.9={1..180};0.1={1..120}{a..d}` by their shares; low numbers are more frequent."""
    rng = np.random.default_rng(SEED)
    for form in forms.split(";"):
        share, _, pattern = form.partition("=")
        for _ in range(max(1, round(float(share) * HOUSES)) if "{" in pattern or share != "1" else 1):
            yield RANGE.sub(lambda found: _within(found[1], found[2], rng.random() ** 2), pattern)


def _within(first: str, last: str, part: float) -> str:
    if first.isdigit():
        return str(int(first) + int(part * (int(last) - int(first) + 1)))
    return chr(ord(first) + int(part * (ord(last) - ord(first) + 1)))
