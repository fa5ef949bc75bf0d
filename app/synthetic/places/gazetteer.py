"""Joint rows of places: whatever is said of one row is true of one and the same place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.synthetic.countries import Country, Shares, countries, shares
from app.synthetic.numbers.weights import Weights
from app.synthetic.pools import Pool, Rows, read

DATA = Path(__file__).parent / "data"
VARIANTS = 32
"""Postcodes made of one that the file gives without its last part."""
LETTERS = "ABDEFGHJLNPQRSTUWXYZ"
"""Letters of the last part of a British postcode: those that cannot be misread (Royal Mail)."""
KM_PER_DEGREE = 111.2


@dataclass(frozen=True)
class District:
    """One postcode of one city, as its country's file has it."""

    country: str
    city: Mapping[str, str]
    postcode: str
    locality: str
    locality_latin: str
    phone_prefix: str
    share: float
    """Of the city's people: all of its postcodes have the same."""

    def text(self, template: str) -> str:
        """Fill a template with the place's values; `CITY` is the city in capitals."""
        return template.format(
            **self.city, CITY=self.city["city"].upper(), postcode=self.postcode, locality=self.locality, door="{door}"
        )


class Gazetteer:
    """All districts of all countries, and what is known of each; a row is a place in these columns."""

    def __init__(self, districts: Sequence[District]) -> None:
        self.districts = districts
        codes = list(countries())
        self.country: NDArray[np.int32] = np.array(
            [codes.index(district.country) for district in districts], dtype=np.int32
        )
        self.latitude = self._numbers("latitude")
        self.longitude = self._numbers("longitude")
        self.population = self._numbers("population").astype(np.int64)
        self.reach = self._numbers("radius_km") / KM_PER_DEGREE
        """How many degrees of latitude a point may lie from the middle of its city, to either side."""
        self.reach_east = self.reach / np.cos(np.radians(self.latitude))

    def weights(self, of: Shares) -> Weights:
        """Weigh countries by their shares, and their cities by population; raise UnknownLocale."""
        people = self.population * np.array([district.share for district in self.districts])
        total = np.bincount(self.country, people, minlength=len(countries()))
        return Weights(people / total[self.country] * shares(of)[self.country])

    @cached_property
    def texts(self) -> Mapping[str, Pool]:
        """What can be said of a place, by name."""
        of_city = ("city", "latin", "region", "region_code", "time_zone")
        pools = {name: Pool(district.city[name] for district in self.districts) for name in of_city}
        own = ("country", "postcode", "locality", "locality_latin", "phone_prefix")
        return pools | {name: Pool(getattr(district, name) for district in self.districts) for name in own}

    def near(self, rng: np.random.Generator, rows: Rows, *, east: bool) -> NDArray[np.float64]:
        """Draw latitudes or longitudes of points in these places, in degrees (WGS 84) to some metres."""
        middle, reach = (self.longitude, self.reach_east) if east else (self.latitude, self.reach)
        offset = rng.random(len(rows))
        offset *= 2
        offset -= 1
        offset *= reach[rows]
        offset += middle[rows]
        return np.round(offset, 5)

    def _numbers(self, name: str) -> NDArray[np.float64]:
        return np.array([float(district.city[name]) for district in self.districts])


@cache
def gazetteer() -> Gazetteer:
    """Return the shipped places."""
    return Gazetteer([district for country in countries().values() for district in _districts(country)])


def _districts(country: Country) -> Iterator[District]:
    for number, city in enumerate(read(DATA / f"{country.code}.tsv")):
        found = [postcode for entry in city["postcodes"].split() for postcode in _postcodes(country, entry, number)]
        for postcode, locality, latin, prefix in found:
            yield District(
                country.code, city, postcode, locality, latin, prefix or city["phone_prefix"], 1 / len(found)
            )


def _postcodes(country: Country, entry: str, seed: int) -> Iterator[tuple[str, str, str, str]]:
    """Parse an entry such as `10115`, `LS6`, `60647:773`, `560034=Koramangala` or `150-0002=渋谷/Shibuya`.

    With each come its locality, that in Latin letters, and its own area code; empty where there is none.
    """
    given, _, locality = entry.partition("=")
    given, _, prefix = given.partition(":")
    native, _, latin = locality.replace("_", " ").partition("/")
    pattern = country.postcode.format(given)
    for variant in range(VARIANTS if "@" in pattern else 1):
        yield _ended(pattern, variant * 1237 + seed * 331), native, latin or native, prefix


def _ended(pattern: str, number: int) -> str:
    """Fill a pattern: the number's digits replace each `#` by a digit and each `@` by a letter."""
    ended = ""
    for mark in pattern:
        choices = {"#": "0123456789", "@": LETTERS}.get(mark, mark)
        ended += choices[number % len(choices)]
        number //= len(choices) if len(choices) > 1 else 1
    return ended
